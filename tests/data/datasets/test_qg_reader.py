"""The published format is read as numpy reads it, and every kind of damage is named."""

import re
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.qg import reader as energyflow
from hepexp.data.datasets.qg.info import INFO
from hepexp.data.formats.open_file import open_file
from hepexp.data.store.ragged import NO_LABEL, Ragged
from hepexp.errors import DataError
from tests.data.conftest import assert_same, random_jets


def arrays(n: int = 6, m: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """X with n jets of 1 to m pions, and y."""
    x = np.zeros((n, m, 4))
    for i in range(n):
        x[i, : 1 + i % m] = [10.0, 0.5, 1.0, 211]
    return x, np.arange(n) % 2 * 1.0


def refused(path: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        open_file(INFO, path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_numpy_reads_what_is_written(npz: Path):
    jets = random_jets(20)
    with np.load(npz) as file:
        x, y = file["X"], file["y"]
    assert x.shape == (20, 9, 4)
    np.testing.assert_array_equal(y, jets.label)
    real = x[..., 0] > 0
    np.testing.assert_array_equal(real.sum(1), jets.counts)
    np.testing.assert_array_equal(x[real], np.stack([jets[name] for name in ("pt", "y", "phi", "pdgid")], 1))
    assert not x[~real].any()


def test_what_numpy_writes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(energyflow, "ROWS_AT_ONCE", 4)  # several slices, the last one shorter
    x, y = arrays(10)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", X=x, y=y)
        jets = open_file(INFO, tmp_path / "a.npz").take(np.arange(10))
        np.testing.assert_array_equal(jets.label, y)
        np.testing.assert_array_equal(jets.counts, (x[..., 0] > 0).sum(1))
        np.testing.assert_array_equal(jets["pt"], x[..., 0][x[..., 0] > 0])


def test_round_trip_is_exact(npz: Path):
    assert_same(Ragged.concatenate(energyflow.read(npz)), random_jets(20))


def test_a_particle_at_the_origin_of_the_angles_is_kept(tmp_path: Path):
    x, y = arrays()
    x[0, 0] = [10, 0, 0, 22]
    np.savez(tmp_path / "a.npz", X=x, y=y)
    assert open_file(INFO, tmp_path / "a.npz").counts[0] == 1


def test_missing_file(tmp_path: Path):
    refused(tmp_path / "none.npz", "no such file")


def test_truncated_file(npz: Path):
    npz.write_bytes(npz.read_bytes()[:200])
    refused(npz, "truncated or corrupted")


def test_corrupted_bytes(npz: Path):
    data = bytearray(npz.read_bytes())
    data[300] ^= 0xFF
    npz.write_bytes(data)
    refused(npz, "truncated or corrupted")


def test_corrupted_bytes_in_an_uncompressed_file(tmp_path: Path):
    x, y = arrays()
    np.savez(tmp_path / "a.npz", X=x, y=y)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[300] ^= 0x01
    (tmp_path / "a.npz").write_bytes(data)
    refused(tmp_path / "a.npz", "truncated or corrupted: Bad CRC-32")


def test_wrong_key(tmp_path: Path):
    x, y = arrays()
    np.savez(tmp_path / "a.npz", jets=x, y=y)
    refused(tmp_path / "a.npz", "key 'X' is missing, found jets, y; expected X and y")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 4)), np.zeros(3), r"key 'X' has shape \(3, 4\), expected \(N, M, 4\)"),
        (np.zeros((3, 2, 5)), np.zeros(3), r"key 'X' has shape \(3, 2, 5\)"),
        (np.zeros((3, 2, 4)), np.zeros((3, 1)), r"key 'y' has shape \(3, 1\), expected \(N,\)"),
        (np.zeros((3, 2, 4)), np.zeros(2), "key 'X' has 3 jets but key 'y' has 2"),
        (np.full((3, 2, 4), "a"), np.zeros(3), "key 'X' has type .*expected numbers"),
        (np.asfortranarray(np.zeros((3, 2, 4))), np.zeros(3), "in Fortran order"),
    ],
)
def test_wrong_arrays(tmp_path: Path, x: np.ndarray, y: np.ndarray, message: str):
    np.savez(tmp_path / "a.npz", X=x, y=y)
    refused(tmp_path / "a.npz", message)


def test_objects_are_never_unpickled(tmp_path: Path):
    np.savez(tmp_path / "a.npz", X=np.array([{}], object), y=np.zeros(1))
    refused(tmp_path / "a.npz", "key 'X'")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: x[3, 0].__setitem__(1, np.nan), "jet 3 has a particle with y = nan; expected -20 to 20"),
        (lambda x, y: x[4].fill(0), "jet 4 has no particles"),
        (lambda x, y: y.__setitem__(5, 2), "jet 5 has label 2; expected 1 for quark, 0 for gluon"),
        (lambda x, y: x[2, 0].__setitem__(3, 4242), "jet 2 has a particle of unknown pdgid 4242"),
        (lambda x, y: x[2, 0].__setitem__(3, 211.5), "jet 2 has a particle with pdgid = 211.5"),
        (lambda x, y: x[1, 0].__setitem__(0, -1), "jet 1 has a particle with pt = -1; expected 1e-09 to 100000 GeV"),
    ],
)
def test_jets_that_are_not_physics(tmp_path: Path, change, message: str):
    x, y = arrays()
    change(x, y)
    np.savez(tmp_path / "a.npz", X=x, y=y)
    refused(tmp_path / "a.npz", message)


ODD = {  # what is put into the first particle of a jet: column, value, what is said of it
    1: (1, 1e6, "a particle with y = 1e+06; expected -20 to 20"),
    2: (3, 1e18, "a particle with pdgid = 1e+18; expected a whole number from"),
    3: (0, 1e30, "a particle with pt = 1e+30; expected 1e-09 to 100000 GeV"),
    4: (0, -5, "a particle with pt = -5; expected 1e-09 to 100000 GeV"),
    5: (2, 1e9, "a particle with phi = 1e+09; expected -12.6 to 12.6 rad"),
    6: (1, 9.5, "a particle with energy pt cosh y = "),
}


@pytest.mark.parametrize("jet", ODD)
def test_a_value_that_no_particle_has_is_named_with_jet_quantity_and_limits(tmp_path: Path, jet: int):
    x, y = arrays(7)
    column, value, said = ODD[jet]
    x[jet, 0, 0] = 100
    x[jet, 0, column] = value
    np.savez(tmp_path / "a.npz", X=x, y=y)
    refused(tmp_path / "a.npz", re.escape(f"jet {jet} has {said}"))


def test_all_bad_jets_are_named(tmp_path: Path):
    x, y = arrays(7)
    for jet, (column, value, _) in ODD.items():
        x[jet, 0, column] = value
    np.savez(tmp_path / "a.npz", X=x, y=y)
    refused(tmp_path / "a.npz", r"jet 1 .*; also jet 2 \(pdgid\), jet 3 \(pt\), jet 4 \(pt\), jet 5 \(phi\)")


def test_jets_without_labels_are_read_where_none_are_needed(tmp_path: Path):
    x, y = arrays(7)
    np.savez(tmp_path / "a.npz", X=x)
    np.savez(tmp_path / "b.npz", X=x, y=y)
    refused(tmp_path / "a.npz", "key 'y' is missing")
    without, given = (open_file(INFO, tmp_path / name, needs_label=False) for name in ("a.npz", "b.npz"))
    assert (without.label == NO_LABEL).all()
    np.testing.assert_array_equal(given.label, y)
    rows = np.arange(len(x))
    for name in ("pt", "y", "phi", "pdgid"):
        np.testing.assert_array_equal(without.take(rows)[name], given.take(rows)[name])


def test_a_negative_size_in_the_header_is_refused(tmp_path: Path):
    import io
    import zipfile

    from numpy.lib import format as npy

    path, header = tmp_path / "jets.npz", io.BytesIO()
    npy.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (-3, 5, 4)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", header.getvalue())
    with pytest.raises(DataError, match=r"jets.npz: key 'X' has shape \(-3, 5, 4\), in which a size is negative"):
        open_file(INFO, path, needs_label=False)
