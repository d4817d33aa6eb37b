"""ROOT files and their Parquet twins give the same jets, those that were written."""

from pathlib import Path

import numpy as np
import pytest
import uproot

from hepexp.data.datasets.jetclass import reader
from hepexp.data.datasets.jetclass.info import LAYOUT as JETCLASS_LAYOUT
from hepexp.data.datasets.jetclass.reader import CLASSES, jets
from hepexp.data.store.ragged import NO_LABEL, Ragged
from hepexp.errors import DataError
from tests.data.datasets import published_formats
from tests.data.formats.mutation import Reader, check_whole, survives
from tests.samples import sample

READERS = {"root": reader.read_root, "parquet": reader.read_parquet}
WRITERS = {"root": published_formats.write_jetclass_root, "parquet": published_formats.write_jetclass_parquet}
every_format = pytest.mark.parametrize("kind", READERS)


def assert_same(a: Ragged, b: Ragged) -> None:
    np.testing.assert_array_equal(a.label, b.label)
    np.testing.assert_array_equal(a.offsets, b.offsets)
    for name in JETCLASS_LAYOUT.elements:
        np.testing.assert_array_equal(a.elements[name], b.elements[name], err_msg=name)
    for name in JETCLASS_LAYOUT.extras:
        np.testing.assert_array_equal(a.extras[name], b.extras[name], err_msg=name)


@every_format
@pytest.mark.parametrize("at_once", [5000, 30, 7])  # all at once; on the edges of baskets; between them
def test_every_particle_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, at_once: int):
    for name in ("JETS_AT_ONCE_ROOT", "JETS_AT_ONCE_PARQUET"):
        monkeypatch.setattr(reader, name, at_once)
    counts, particles, of_jets = published_formats.jetclass_columns(100)
    more = {"basket": 15} if kind == "root" else {}
    WRITERS[kind](tmp_path / "a", counts, particles, of_jets, **more)
    parts = list(READERS[kind](tmp_path / "a"))
    assert max(len(part) for part in parts) <= at_once
    found = Ragged.concatenate(parts)
    check_whole(found, JETCLASS_LAYOUT)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(found.label, sum(i * of_jets[f"label_{name}"] for i, name in enumerate(CLASSES)))
    for name in ("px", "energy", "d0val", "charge"):
        np.testing.assert_array_equal(found.elements[name], particles[f"part_{name}"])
    np.testing.assert_array_equal(found.elements["type"] == 4, particles["part_isMuon"])
    np.testing.assert_array_equal(found.extras["jet_energy"], of_jets["jet_energy"])


def test_jetclass_ii_is_read_where_it_has_the_classes_of_jetclass():
    counts, particles, of_jets = published_formats.jetclass_columns(5)
    of_jets = {name: values for name, values in of_jets.items() if not name.startswith("label")}
    of_jets["jet_label"] = np.array([0, 1, 9, 161, 187])
    found = jets({**particles, **of_jets}, dict.fromkeys(particles, counts), 5, Path("a"), 0)
    assert [CLASSES[label] for label in found.label] == ["Hbb", "Hcc", "Hgg", "QCD", "QCD"]


@pytest.mark.parametrize("number", [2, 92, 160, 188, -1, 1_000_000])
@every_format
def test_other_classes_of_jetclass_ii_are_refused(tmp_path: Path, refused, kind: str, number: int):
    counts, particles, of_jets = published_formats.jetclass_columns(3)
    of_jets = {name: values for name, values in of_jets.items() if not name.startswith("label")}
    of_jets["jet_label"] = np.array([0, number, 9], np.int32)
    WRITERS[kind](tmp_path / "a", counts, particles, of_jets)
    refused(READERS[kind], tmp_path / "a", f"row 1 has jet_label {number}, .*expected 0, 1, 9 or 161 to 187")


def test_real_twins_are_the_same(monkeypatch: pytest.MonkeyPatch):
    """With every class let through, as the sample has those that are refused too."""
    monkeypatch.setattr("hepexp.data.datasets.jetclass.reader._FROM_II", (np.arange(188) % 10).astype(np.int8))
    root, twin = (Ragged.concatenate(READERS[f](sample(f"jetclass2/JetClassII_example.{f}"))) for f in READERS)
    check_whole(root, JETCLASS_LAYOUT)
    assert len(root) == 100
    assert_same(root, twin)
    # the sum of the particles is the jet
    px, py = (np.add.reduceat(root.elements[name].astype(float), root.offsets[:-1]) for name in ("px", "py"))
    np.testing.assert_allclose(np.hypot(px, py), root.extras["jet_pt"], rtol=1e-3)


@every_format
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("part_px", np.nan, "row 2 has a particle with px = nan"),
        ("part_d0err", np.inf, "row 2 has a particle with d0err = inf"),
        ("part_energy", -1, "row 2 has a particle with energy = -1"),
        ("part_charge", 0.5, "row 2 has a particle with charge = 0.5; expected a whole number from -1 to 1"),
        ("part_isMuon", 2, "row 2 has a particle of no type or several"),
        ("jet_tau3", np.nan, "row 2 has jet_tau3 = nan"),
        ("jet_pt", -5, "row 2 has jet_pt = -5"),
        ("label_QCD", True, "row 2 has no class or several"),
    ],
)
def test_values_that_are_not_physics(tmp_path: Path, refused, kind: str, name: str, value, message: str):
    counts, particles, of_jets = published_formats.jetclass_columns(5)
    of_jets["label_QCD"][2], of_jets["label_Tbl"][2] = False, True
    for i in range(1, 9):
        of_jets[f"label_{CLASSES[i]}"][2] = False
    row = counts[:2].sum() if name in particles else 2
    (particles | of_jets)[name][row] = value
    WRITERS[kind](tmp_path / "a", counts, particles, of_jets)
    refused(READERS[kind], tmp_path / "a", message)


@pytest.mark.parametrize("name", ["part_py", "jet_eta"])
def test_columns_of_another_length_are_refused(name: str):
    counts, particles, of_jets = published_formats.jetclass_columns(5)
    lengths = dict.fromkeys(particles, counts)
    if name in lengths:
        lengths[name] = counts[:4]
        particles[name] = particles[name][: counts[:4].sum()]
    else:
        of_jets[name] = of_jets[name][:4]
    with pytest.raises(DataError, match=f"a: column '{name}' ends at row 4 instead of 5"):
        jets({**particles, **of_jets}, lengths, 5, Path("a"), 0)


@every_format
def test_a_jet_without_particles(tmp_path: Path, refused, kind: str):
    counts, particles, of_jets = published_formats.jetclass_columns(5)
    counts[0] += counts[3]
    counts[3] = 0
    WRITERS[kind](tmp_path / "a", counts, particles, of_jets)
    refused(READERS[kind], tmp_path / "a", "row 3 has no particles")


@every_format
def test_the_wrong_data_set(tmp_path: Path, refused, kind: str):
    counts, particles, of_jets = published_formats.jetclass_columns(5)
    del of_jets["label_Tbl"], particles["part_d0val"]
    WRITERS[kind](tmp_path / "a", counts, particles, of_jets)
    refused(
        READERS[kind], tmp_path / "a", "column part_d0val, label_Tbl missing, found .*and .* more; expected part_px"
    )


def test_another_tree(tmp_path: Path, refused):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["Events"] = {"x": np.ones(3)}
    refused(reader.read_root, tmp_path / "a.root", "tree tree missing, found Events; expected tree")
    with uproot.recreate(tmp_path / "a.root") as file:
        file["tree"] = np.histogram(np.ones(3))
    refused(reader.read_root, tmp_path / "a.root", "'tree' is a .*TH1D.*; expected a TTree")
    counts, particles, of_jets = published_formats.jetclass_columns(5)
    published_formats.write_jetclass_root(
        tmp_path / "a.root", counts, particles, {**of_jets, "jet_pt": np.ones((5, 2))}
    )
    refused(reader.read_root, tmp_path / "a.root", "branch 'jet_pt' has type .*, expected number")


@every_format
def test_a_truncated_file_another_file_and_none(tmp_path: Path, refused, kind: str):
    WRITERS[kind](tmp_path / "a", *published_formats.jetclass_columns(50))
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-500])
    refused(READERS[kind], tmp_path / "a", "truncated, corrupted, or not a")
    (tmp_path / "a").write_text("an error page")
    refused(READERS[kind], tmp_path / "a", "not a")
    refused(READERS[kind], tmp_path / "none", "no such file")


@every_format
@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_files(tmp_path: Path, kind: str, count: int):
    read: Reader = READERS[kind]
    WRITERS[kind](tmp_path / "a", *published_formats.jetclass_columns(20))
    assert survives(read, tmp_path / "a", JETCLASS_LAYOUT, count, 1, damaged=tmp_path / "damaged") < count


@every_format
def test_jets_of_other_classes_of_jetclass_ii_are_scored_as_of_unknown_class(tmp_path: Path, kind: str):
    counts, particles, of_jets = published_formats.jetclass_columns(4)
    of_jets = {name: values for name, values in of_jets.items() if not name.startswith("label")}
    of_jets["jet_label"] = np.array([0, 92, 1_000_000, 170], np.int32)
    WRITERS[kind](tmp_path / "a", counts, particles, of_jets)
    (found,) = READERS[kind](tmp_path / "a", needs_label=False)
    assert found.label.tolist() == [CLASSES.index("Hbb"), NO_LABEL, NO_LABEL, CLASSES.index("QCD")]
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(found.elements["px"], particles["part_px"])
