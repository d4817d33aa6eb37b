"""What a search gets to see: counts of injected signal, and a test that knows the truth. The published format."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.lhco.info import COLUMNS, INFO
from hepexp.data.datasets.lhco.module import LhcOlympics
from hepexp.data.formats.open_file import open_file
from hepexp.errors import ConfigError, DataError
from tests.data.small import dijets, use_small_samples

LOW, HIGH = 3300, 3700


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_samples(monkeypatch, 4000)


def ready(**keys) -> LhcOlympics:
    data = LhcOlympics(source="mini", seed=1, **keys)
    data.setup()
    return data


def of_split(data: LhcOlympics, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a split, their labels there, and whether they are signal."""
    rows = data.splits[split].rows
    return rows, data.splits[split].labels(rows), dijets(4000).label[rows] == 1


def is_central(rows: np.ndarray) -> np.ndarray:
    mjj = dijets(4000)["mjj"][rows]
    return (mjj >= LOW) & (mjj < HIGH)


@pytest.mark.parametrize("labels", ["truth", "ideal", "cwola"])
def test_whatever_training_is_told_the_test_knows_the_truth(labels):
    rows, label, signal = of_split(ready(labels=labels), "test")
    np.testing.assert_array_equal(label, signal)
    everything = ready().split_store
    np.testing.assert_array_equal(np.sort(rows), np.sort(everything.splits["test"]))
    assert is_central(rows).all()


def test_the_ideal_detector_sees_injected_signal_against_pure_background():
    data = ready(labels="ideal", n_signal=30)
    rows, label, signal = of_split(data, "train")
    assert signal.sum() == 30
    assert label[signal].all()
    assert is_central(rows).all()
    background = np.bincount(label[~signal])
    assert abs(background[1] - background[0]) <= 1
    truth, _, is_signal = of_split(ready(), "train")
    np.testing.assert_array_equal(np.sort(rows[~signal]), np.sort(truth[~is_signal]))  # each background event once
    _, val_label, val_signal = of_split(data, "val")
    share = 30 / background[1]
    assert val_signal.sum() == round(share * (val_label[~val_signal] == 1).sum())


def test_cwola_sees_the_signal_region_against_sidebands_with_signal_in_proportion():
    data = ready(labels="cwola", n_signal=40)
    rows, label, signal = of_split(data, "train")
    np.testing.assert_array_equal(label, is_central(rows))
    assert (signal & (label == 1)).sum() == 40
    mjj = dijets(4000)["mjj"][rows]
    assert mjj.min() >= 3100
    assert mjj.max() < 3900
    # of a Gaussian with a spread of 100 GeV, 4.6 % lie beyond 200 GeV from its mean
    assert (signal & (label == 0)).sum() == pytest.approx(40 * 0.0455 / 0.9545, abs=2)


def test_a_search_gets_the_significance_of_the_published_files_by_default():
    _, label, signal = of_split(ready(labels="cwola"), "train")
    assert (signal & (label == 1)).sum() == round(2.2 * np.sqrt((~signal & (label == 1)).sum()))


def test_less_signal_leaves_the_background_as_it_is():
    some, none = (of_split(ready(labels="cwola", n_signal=n), "train") for n in (40, 0))
    assert not none[2].any()
    np.testing.assert_array_equal(some[0][~some[2]], none[0])


def test_labels_of_a_search_reach_other_processes():
    store = ready(labels="cwola").store
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store)).label, store.label)


def test_impossible_searches_are_refused_in_one_line():
    for keys, message in (
        ({"labels": "ideal", "n_signal": 10_000}, r"n_signal asks for 10,000 signal events in a split that has"),
        ({"labels": "cwola", "signal_region": [3000, 4000], "sidebands": [2900, 4100]}, "needs background on both"),
        ({"sidebands": [3400, 3900]}, "sidebands must enclose"),
        ({"signal_region": [3700, 3300]}, r"must be \[LOW, HIGH\] in GeV"),
        ({"variables": ["mass"]}, r"variables: unknown 'mass'"),
    ):
        with pytest.raises(ConfigError, match=message) as error:
            ready(**keys)
        assert "\n" not in str(error.value)


def rows_of(n: int) -> np.ndarray:
    """Events in CATHODE's format."""
    events = dijets(n)
    scale = [1000, 1000, 1000, 1, 1]
    columns = [events[name].astype(np.float64) / unit for name, unit in zip(COLUMNS, scale, strict=True)]
    return np.stack([*columns, events.label], 1)


def test_the_published_format_is_in_tev_and_the_store_in_gev(tmp_path: Path):
    np.save(tmp_path / "a.npy", rows_of(50))
    store = open_file(INFO, tmp_path / "a.npy")
    found, expected = store.take(np.arange(50)), dijets(50)
    np.testing.assert_array_equal(found.label, expected.label)
    for name in COLUMNS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:, :4], r"rows of shape \(4,\), expected rows of mjj, m_min"),
        (lambda rows: rows[:, 0], r"expected rows of mjj"),
        (lambda rows: np.where(np.arange(6) == 5, 2, rows), r"event 0 has label 2"),
        (lambda rows: np.where(np.arange(6) == 3, np.nan, rows), r"event 0 has tau21_1 = nan"),
        (lambda rows: rows.astype(object), r"expected rows of mjj"),
    ],
)
def test_another_format_is_refused_in_one_line(tmp_path: Path, change, message):
    np.save(tmp_path / "a.npy", change(rows_of(5)), allow_pickle=True)
    with pytest.raises(DataError, match=message) as error:
        open_file(INFO, tmp_path / "a.npy")
    assert "\n" not in str(error.value)
