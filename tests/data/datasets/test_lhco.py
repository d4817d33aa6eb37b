"""What a search gets to see: counts of injected signal, and a test that knows the truth. The published format."""

import pickle
from pathlib import Path

import h5py
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


def test_sidebands_and_data_are_the_two_sides_of_cwola_alone():
    both = of_split(ready(labels="cwola", n_signal=40), "train")
    for labels, label in (("sidebands", 0), ("data", 1)):
        rows, found, _ = of_split(ready(labels=labels, n_signal=40), "train")
        np.testing.assert_array_equal(np.sort(rows), np.sort(both[0][both[1] == label]))
        assert (found == label).all()


def test_without_scaling_models_read_the_columns_in_their_units():
    data = ready(standardise=False, variables=["mjj", "tau21_1"])
    batch = data.splits["train"][[0, 1, 2]]
    rows = data.splits["train"].rows[:3]
    expected = np.stack([dijets(4000)[name][rows] for name in ("mjj", "tau21_1")], 1)
    np.testing.assert_allclose(batch.features.numpy(), expected, rtol=1e-6)


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


def frame(path: Path, columns: dict[str, np.ndarray], fixed: bool = True) -> Path:
    """A frame as pandas writes it, in its fixed format or as a table."""
    names = list(columns)
    values = np.stack(list(columns.values()), 1)
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        if fixed:
            group["block0_items"] = group["axis0"] = np.array(names, dtype="S")
            group["block0_values"], group["axis1"] = values, np.arange(len(values))
        else:
            kind = [("index", "i8"), ("values_block_0", "f8", (len(names),))]
            rows = np.zeros(len(values), kind)
            rows["values_block_0"] = values
            table = group.create_dataset("table", data=rows)
            table.attrs["CLASS"] = np.bytes_("TABLE")
            table.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(names, protocol=0))
    return path


def two_jets(n: int) -> dict[str, np.ndarray]:
    """Published columns of pairs of jets back to back in their frame, of known masses, along x."""
    rng = np.random.default_rng(5)
    columns = {}
    p, masses = rng.uniform(1200, 2000, n), rng.uniform(50, 500, (2, n))
    for jet, sign, mass in zip(("j1", "j2"), (1, -1), masses, strict=True):
        columns |= {f"px{jet}": sign * p, f"py{jet}": 0 * p, f"pz{jet}": 0 * p, f"m{jet}": mass}
        columns |= {f"tau{k}{jet}": rng.uniform(0.1, 0.2, n) / k for k in (1, 2, 3)}
    return columns | {"label": np.arange(n) % 2.0}


@pytest.mark.parametrize("fixed", [True, False])
def test_the_published_features_give_the_mass_of_the_pair_and_the_lighter_jet_first(tmp_path: Path, fixed):
    columns = two_jets(40)
    store = open_file(INFO, frame(tmp_path / "a.h5", columns, fixed))
    found = store.take(np.arange(40))
    masses = np.stack([columns["mj1"], columns["mj2"]])
    energies = np.sqrt(columns["pxj1"] ** 2 + masses**2)
    np.testing.assert_allclose(found["mjj"], energies.sum(0), rtol=1e-6)
    np.testing.assert_allclose(found["m_min"], masses.min(0), rtol=1e-6)
    np.testing.assert_allclose(found["dm"], abs(masses[0] - masses[1]), rtol=1e-4)
    tau21 = np.stack([columns[f"tau2{jet}"] / columns[f"tau1{jet}"] for jet in ("j1", "j2")])
    light = masses.argmin(0)
    np.testing.assert_allclose(found["tau21_1"], np.take_along_axis(tau21, light[None], 0)[0], rtol=1e-6)
    np.testing.assert_array_equal(found.label, np.arange(40) % 2)


def test_published_features_without_a_column_are_refused_in_one_line(tmp_path: Path):
    columns = two_jets(5)
    del columns["tau2j2"]
    with pytest.raises(DataError, match="column tau2j2 missing") as error:
        open_file(INFO, frame(tmp_path / "a.h5", columns))
    assert "\n" not in str(error.value)
    broken = two_jets(5)
    broken["mj1"][3] = np.nan
    with pytest.raises(DataError, match="event 3 has"):
        open_file(INFO, frame(tmp_path / "b.h5", broken))


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
