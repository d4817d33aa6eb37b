"""Some classes of a simulation, rather than all that it makes by default."""

from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.three_features import generate
from hepexp.data.datasets.three_features.info import INFO
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError
from hepexp.simulation.simulate import simulate, write_sample


def made(path: Path) -> Ragged:
    return Ragged.concatenate(arrow_file.read(path, INFO.layout).chunks)


def test_chosen_classes_are_the_examples_that_they_would_be_among_all(tmp_path: Path):
    write_sample(INFO, 12, 3, 1, tmp_path / "all.arrow", block_size=3)
    write_sample(INFO, 6, 3, 1, tmp_path / "above.arrow", block_size=3, classes=["above"])
    both, above = made(tmp_path / "all.arrow"), made(tmp_path / "above.arrow")
    expected = both.take(np.flatnonzero(both.label == 1))
    np.testing.assert_array_equal(above.label, 1)
    np.testing.assert_array_equal(above["third"], expected["third"])


def test_the_file_says_which_classes_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    path = simulate(INFO, 4, 1, 1, lambda made, kept: None, classes=("above",))
    assert path == INFO.generated_path(4, 1, ("above",))
    assert INFO.generated_with(path) == (4, 1)
    about = arrow_file.read(path, INFO.layout).metadata
    assert about["command"] == "hepexp data generate three_features --n 4 --seed 1 --classes above"
    assert set(about["settings"]) == {"above"}
    with pytest.raises(ConfigError, match="contains another sample"):
        simulate(INFO, 4, 1, 1, lambda made, kept: None, path)


def test_the_usual_classes_need_no_mention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    path = simulate(INFO, 4, 1, 1, lambda made, kept: None, classes=generate.CLASSES)
    assert path == INFO.generated_path(4, 1)


@pytest.mark.parametrize(
    ("classes", "message"),
    [(["abov"], r"classes: unknown 'abov'; did you mean above"), (["above", "above"], "must name each only once")],
)
def test_classes_that_are_not_there_are_refused_before_anything_is_written(tmp_path: Path, classes, message: str):
    with pytest.raises(ConfigError, match=message):
        simulate(INFO, 4, 1, 1, lambda made, kept: None, tmp_path / "a.arrow", classes)
    assert not (tmp_path / "a.arrow").exists()


def test_a_class_that_stays_apart_is_made_in_processes_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pools = []
    monkeypatch.setattr(generate, "APART", ("above",), raising=False)
    monkeypatch.setattr("hepexp.simulation.simulate._intact", lambda path, layout: [layout.empty()])
    monkeypatch.setattr(
        "hepexp.simulation.simulate.make_blocks", lambda blocks, *rest: pools.append({block.kind for block in blocks})
    )
    write_sample(INFO, 8, 1, 2, tmp_path / "a.arrow", block_size=2)
    assert pools == [{"below"}, {"above"}]
