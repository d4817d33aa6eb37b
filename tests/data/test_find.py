"""A data set of one's own is one module and one YAML file: all that works with data sets finds it by itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hepexp.cli import doctor
from hepexp.cli.main import main
from hepexp.config import plugins, schema, source
from hepexp.config.build import instantiate
from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.find import data_sets, find_info
from hepexp.data.loading.split_store import open_source
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.errors import DataError

MODULE = '''
import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.points import Points
from hepexp.data.store.ragged import Layout, Ragged


def read(path):
    with np.load(path) as file:
        x, label = file["X"], file["y"]
    yield Ragged(label, np.arange(len(x) + 1), {"x": x[:, 0], "y": x[:, 1]})


class Events(HepDataModule):
    """Events with two features."""

    info = DatasetInfo(
        name="events", classes=("noise", "signal"), layout=Layout({"x": np.float32, "y": np.float32}), noun="event",
        releases=((Part("events", (PublishedFile("events.npz"),)),),), readers={".npz": read},
    )

    def make_representations(self):
        return [Points()]
'''
YAML = "# Events with two features.\n# hepexp train data=events\n_target_: mine.events.Events\n"


@pytest.fixture
def events(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[np.ndarray]:
    """Features (100, 2) of the events in the data folder, for which the package `mine` is registered."""
    package = tmp_path / "mine"
    (package / "conf" / "dataset").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "events.py").write_text(MODULE)
    (package / "conf" / "dataset" / "events.yaml").write_text(YAML)
    (data_folder / "events").mkdir(parents=True)
    features = np.random.default_rng(0).normal(size=(100, 2))
    np.savez(data_folder / "events" / "events.npz", X=features, y=np.arange(100) % 2)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "packages", lambda: ("mine",))
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    forget()
    yield features
    forget()


def forget() -> None:
    schema.signature.cache_clear()
    source._statements.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        del sys.modules[name]


def test_a_data_set_of_one_module_is_listed_shown_verified_and_loaded(events, tmp_path: Path, capsys):
    assert "events" in data_sets()
    assert main(["data", "verify", "events"]) == 0
    assert main(["data", "show", "events"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "100 (train 80, val 10, test 10)" in shown
    assert f"mean x {events[::2, 0].mean():.4g} ±" in shown
    pictures = sorted(path.name for path in (tmp_path / "runs" / "data" / "events_full").iterdir())
    assert pictures == ["distributions.png", "index.html"]
    data = instantiate({"_target_": "mine.events.Events", "batch_size": 80}, "dataset", seed=1)
    data.setup()
    (batch,) = data.train_dataloader()
    np.testing.assert_array_equal(batch.features, events[batch.index].astype(np.float32))
    np.testing.assert_array_equal(batch.label, batch.index % 2)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("X", np.full((3, 2), np.nan), "event 0 has a value with x = nan"),
        ("y", np.array([0, 1, 2]), "event 2 has label 2"),
        ("z", np.zeros(3), "truncated, corrupted, or not a .npz file: KeyError"),
    ],
)
def test_what_its_reader_yields_is_checked(events, column, values, said, tmp_path: Path, capsys):
    columns = {"X": np.zeros((3, 2)), "y": np.arange(3) % 2, column: values}
    if column == "z":
        del columns["y"]
    np.savez(tmp_path / "bad.npz", **columns)
    assert main(["data", "verify", "events", "--input", str(tmp_path / "bad.npz")]) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("default", "code"), [("2_000", 0), ("10 ** 4", 2), ("None", 2)])
def test_a_default_that_is_no_number_is_one_line(events, default: str, code: int, tmp_path: Path, capsys):
    package = tmp_path / "mine"
    (package / "events.py").write_text(MODULE.replace("    info =", f"    n_generate: int = {default}\n    info =", 1))
    forget()
    assert main(["data", "show", "events", "--no-pictures"]) == code
    said = f"dataset.n_generate must be a whole number, got {default!r}"
    assert (said in capsys.readouterr().err) == (code == 2)
    (package / "conf" / "dataset" / "events.yaml").write_text(YAML + "n_generate: 50\n")
    forget()
    assert main(["data", "show", "events", "--no-pictures"]) == 0


def test_three_fields_and_a_sample_are_a_data_set():
    layout = Layout({"x": np.float32, "y": np.float32})
    sample = Ragged(np.arange(20) % 2, np.arange(21), {"x": np.arange(20.0), "y": np.zeros(20)})
    info = DatasetInfo("mine", ("noise", "signal"), layout, mini=lambda: sample)
    assert info.choose_source("auto") == "mini"
    assert {name: len(rows) for name, rows in open_source(info, "mini").splits.items()} == {
        "train": 16,
        "val": 2,
        "test": 2,
    }
    with pytest.raises(DataError, match="jet 3 has label 2; expected 1 for signal"):
        info.check(Ragged(np.arange(4) // 3 * 2, np.arange(5), {"x": np.zeros(4), "y": np.zeros(4)}), "a file", 0)


def test_what_has_no_examples_is_no_data_set():
    assert find_info("empty") is None
    assert "empty" not in data_sets()


def test_a_faulty_configuration_is_named_and_the_other_data_sets_go_on(events, tmp_path: Path, capsys):
    folder = tmp_path / "mine" / "conf" / "dataset"
    faults = {
        "fractions": ("defaults: [files]\nfiles: [x.npz]\nfractions: {train: 2}\n", "dataset.fractions must be"),
        "momenta": ("defaults: [files]\nfiles: [x.npz]\np4: 4\n", "dataset.p4: expected a mapping"),
        "unbuilt": ("files: [x.npz]\n", "it has no _target_"),
        "unread": ("files: [x\n", "is not valid YAML"),
    }
    for name, (text, _) in faults.items():
        (folder / f"{name}.yaml").write_text(f"# Mine.\n{text}")
    assert main(["data", "list"]) == 0
    listed = capsys.readouterr()
    assert "events" in listed.out
    assert main(["data", "show", "events", "--no-pictures"]) == 0
    shown = capsys.readouterr()
    findings = {finding.name: finding for finding in doctor._data_sets()}
    assert findings["data set events"].state == doctor.OK
    for name, (_, said) in faults.items():
        for err in (listed.err, shown.err):
            (line,) = [line for line in err.splitlines() if f"data: {name} is left out: {folder / name}.yaml" in line]
            assert said in line
        assert findings[f"data set {name}"].state == doctor.BROKEN
        assert main(["data", "show", name]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"hepexp: error: {folder / name}.yaml")
        assert said in line
