"""Tables of pandas give the jets they hold, without pandas and without running what is pickled in them."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepexp.data.datasets.top import reader as top_hdf5
from hepexp.data.datasets.top.info import LAYOUT as TOP_LAYOUT
from hepexp.data.datasets.top.reader import read
from hepexp.data.store.ragged import Ragged
from tests.data.datasets import published_formats
from tests.data.formats.mutation import check_whole, survives
from tests.data.formats.test_pickled_names import Bomb
from tests.samples import sample


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "train.h5"
    published_formats.write_top(path, 7)
    return path


@pytest.mark.parametrize("protocol", [0, 4])
def test_every_particle_comes_out_and_no_padding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int):
    monkeypatch.setattr(top_hdf5, "JETS_AT_ONCE", 30)
    momenta = published_formats.write_top(tmp_path / "a.h5", 100, protocol=protocol)
    parts = list(read(tmp_path / "a.h5"))
    assert [len(part) for part in parts] == [30, 30, 30, 10]
    jets = Ragged.concatenate(parts)
    check_whole(jets, TOP_LAYOUT)
    np.testing.assert_array_equal(jets.label, np.arange(100) % 2)
    np.testing.assert_array_equal(
        np.stack([jets[name] for name in TOP_LAYOUT.elements], 1), momenta[momenta[..., 0] > 0]
    )


def test_columns_are_found_by_name(tmp_path: Path):
    names = [f"{c}_{i}" for i in range(200) for c in ("E", "PX", "PY", "PZ")]
    swapped = [name.replace("E_", "PX_") if name[0] == "E" else name.replace("PX_", "E_") for name in names]
    momenta = published_formats.write_top(tmp_path / "a.h5", 5)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        rows = file["table/table"][:]
        block = rows["values_block_0"][:, :800].reshape(5, 200, 4)
        rows["values_block_0"][:, :800] = block[..., [1, 0, 2, 3]].reshape(5, 800)
        file["table/table"][:] = rows
        pickled = pickle.dumps([*swapped, "a", "b", "c", "d"], 0)
        file["table/table"].attrs["values_block_0_kind"] = np.bytes_(pickled)
    np.testing.assert_array_equal(Ragged.concatenate(read(tmp_path / "a.h5"))["E"], momenta[momenta[..., 0] > 0][:, 0])


def test_a_pickle_is_never_executed(tmp_path: Path, refused):
    bomb = pickle.dumps(Bomb(tmp_path / "executed"), 0)
    published_formats.write_top(tmp_path / "a.h5", 5, names=bomb)
    refused(read, tmp_path / "a.h5", "'values_block_0_kind': not a plain list of column names")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["TITLE"] = file["table"].attrs["info"] = np.bytes_(bomb)
    refused(read, tmp_path / "a.h5", "'values_block_0_kind': not a plain list of column names")
    assert not (tmp_path / "executed").exists()


def test_an_attribute_may_be_any_bytes(path: Path, refused):
    with h5py.File(path, "a") as file:
        file["table"].attrs.create("encoding", np.array(b"\xff\xfe"), dtype=h5py.string_dtype("utf-8", 2))
    assert len(Ragged.concatenate(read(path))) == 7
    with h5py.File(path, "a") as file:
        file["table/table"].attrs["values_block_0_kind"] = np.bytes_(b"(lp0\nV\xff\xfe\np1\na.")
    refused(read, path, r"names 1 columns, expected 804")


def test_the_wrong_data_set(tmp_path: Path, path: Path, refused):
    published_formats.write_electron_photon_hdf5(tmp_path / "a.h5", 3)
    refused(read, tmp_path / "a.h5", "key table missing, found X, y; expected table")
    with h5py.File(path, "a") as file:
        file["table/table"].attrs["values_block_1_kind"] = np.bytes_(pickle.dumps(["ttv", "label"], 0))
    refused(read, path, "column is_signal_new missing, found E_0, PX_0, .* and .* more; expected E_0")
    with h5py.File(path, "a") as file:
        del file["table/table"].attrs["values_block_1_kind"]
    refused(read, path, "attribute 'values_block_1_kind' is missing")
    with h5py.File(path, "a") as file:
        del file["table/table"]
        file["table/table"] = np.ones((3, 3))
    refused(read, path, r"has shape \(3, 3\) and no columns")


@pytest.mark.parametrize(
    ("block", "value", "message"),
    [
        (0, [np.nan, 1, 1, 1], "row 4 has a particle with E = nan"),
        (0, [-3, 1, 1, 1], "row 4 has a particle with E = -3; expected 1e-09 to 100000 GeV"),
        (0, [1, 1, 1, 1], r"row 4 has a particle with \|p\| = 1.73205 > E = 1; expected \(E, px, py, pz\) in GeV"),
        (0, [0] * 800, "row 4 has no particles"),
        (1, [0, 2], "row 4 has label 2; expected 1 for top, 0 for qcd"),
    ],
)
def test_jets_that_are_not_physics(path: Path, refused, block: int, value: list, message: str):
    with h5py.File(path, "a") as file:
        rows = file["table/table"][:]
        rows[f"values_block_{block}"][4, : len(value)] = value
        file["table/table"][:] = rows
    refused(read, path, message)


def test_a_truncated_file(path: Path, refused):
    path.write_bytes(path.read_bytes()[:-200])
    refused(read, path, "truncated, corrupted, or not an HDF5 file")


def test_real_jets_have_the_mass_of_the_top():
    parts = [part for name in ("train", "val", "test") for part in read(sample(f"top/{name}.h5"))]
    jets = Ragged.concatenate(parts)
    check_whole(jets, TOP_LAYOUT)
    assert len(jets) == 25_000
    e, px, py, pz = (np.add.reduceat(jets[name].astype(float), jets.offsets[:-1]) for name in TOP_LAYOUT.elements)
    mass = np.sqrt(e**2 - px**2 - py**2 - pz**2)
    for label, mean_mass, mean_count in ((1, 175.9, 54.8), (0, 95.5, 43.4)):
        for values, mean in ((mass, mean_mass), (jets.counts, mean_count)):
            chosen = values[jets.label == label]
            assert chosen.mean() == pytest.approx(mean, abs=3 * chosen.std() / np.sqrt(len(chosen)))


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_files(path: Path, tmp_path: Path, count: int):
    assert survives(read, path, TOP_LAYOUT, count, 1, damaged=tmp_path / "damaged.h5") < count


def test_rows_of_any_size_are_not_read_into_memory(path: Path, refused, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(top_hdf5, "_MOST_ROW_BYTES", 3000)
    refused(read, path, "a row of the table has 3240 bytes")
