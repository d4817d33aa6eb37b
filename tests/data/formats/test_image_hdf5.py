"""Images in HDF5 come out pixel by pixel as they went in, whatever the chunks, and damage is refused."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepexp.data.datasets.electron_photon.info import LAYOUT as ELECTRON_PHOTON_LAYOUT
from hepexp.data.datasets.electron_photon.reader import read as read_electron_photon
from hepexp.data.datasets.qg_images.info import LAYOUT as QG_IMAGES_LAYOUT
from hepexp.data.datasets.qg_images.reader import read_hdf5 as read_qg_images
from hepexp.data.formats import image_hdf5
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from tests.data.datasets import published_formats
from tests.data.formats.mutation import check_whole, survives
from tests.samples import sample


@pytest.fixture
def qg(tmp_path: Path) -> Path:
    path = tmp_path / "qg.hdf5"
    published_formats.write_qg_hdf5(path, 7, non_zero=50, chunks=(2, 125, 125, 3), compression="gzip")
    return path


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    path = tmp_path / "crops.hdf5"
    published_formats.write_electron_photon_hdf5(path, 20, compression="gzip")
    return path


# None: one block; (7, 4, 4, 1): as h5py guesses, all images in few pixels; (3, 125, 125, 3): the last chunk is cut
@pytest.mark.parametrize("chunks", [None, (7, 4, 4, 1), (3, 125, 125, 3), (1, 50, 125, 2)])
def test_every_pixel_comes_out_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks):
    monkeypatch.setattr(image_hdf5, "_DENSE_BYTES", 200_000)  # an image; several slabs and bands
    monkeypatch.setattr(image_hdf5, "IMAGES_AT_ONCE", 2)
    published_formats.write_qg_hdf5(tmp_path / "a.hdf5", 7, non_zero=300, chunks=chunks)
    with h5py.File(tmp_path / "a.hdf5") as file:
        x, pt, m0, y = (file[key][:] for key in ("X_jets", "pt", "m0", "y"))
    parts = list(read_qg_images(tmp_path / "a.hdf5"))
    assert max(len(part) for part in parts) <= 2
    images = Ragged.concatenate(parts)
    check_whole(images, QG_IMAGES_LAYOUT)
    np.testing.assert_array_equal(to_dense(images, QG_IMAGES_LAYOUT.shape), x.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(images.label, y)
    np.testing.assert_array_equal(images["pt"], pt.astype(np.float32))
    np.testing.assert_array_equal(images["m0"], m0.astype(np.float32))
    inner = np.diff(images["position"].astype(int))
    assert (inner[np.setdiff1d(np.arange(len(inner)), images.offsets[1:-1] - 1)] > 0).all()


@pytest.mark.parametrize("channels", [1, 2])
def test_the_time_of_a_crop_is_zero_where_it_is_absent(tmp_path: Path, channels: int):
    published_formats.write_electron_photon_hdf5(tmp_path / "a.hdf5", 5, channels=channels)
    made = published_formats.crops(5, channels=channels)
    images = Ragged.concatenate(read_electron_photon(tmp_path / "a.hdf5"))
    dense = to_dense(images, ELECTRON_PHOTON_LAYOUT.shape)
    np.testing.assert_array_equal(dense[:, :channels], made["X"].transpose(0, 3, 1, 2))
    assert dense[:, channels:].any() == 0
    np.testing.assert_array_equal(images.label, made["y"])


def test_a_time_may_be_negative(crops: Path):
    assert (Ragged.concatenate(read_electron_photon(crops))["value"] < 0).any()


def test_an_image_too_dense_for_its_chunks_does_not_fill_the_memory(qg: Path, refused, monkeypatch):
    monkeypatch.setattr(image_hdf5, "_MOST_PIXELS", 100)
    refused(read_qg_images, qg, "more than 100 non-zero pixels.*h5repack")


def test_the_wrong_data_set(qg: Path, crops: Path, refused):
    refused(read_qg_images, crops, "key X_jets, pt, m0 missing, found X, y; expected X_jets, pt, m0, y")
    refused(read_electron_photon, qg, "key X missing, found X_jets, m0, pt, y; expected X, y")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("X_jets", np.ones((7, 3, 125, 125)), r"shape \(7, 3, 125, 125\), expected \(N, 125, 125, 3\)"),
        ("X_jets", np.ones((6, 125, 125, 3)), "has 6 images but key 'y' has 7"),
        ("X_jets", np.full((7, 125, 125, 3), b"a"), "type |S1, expected numbers"),
        ("y", np.ones((7, 1)), r"shape \(7, 1\), expected \(N,\)"),
        ("y", np.array([0, 1, 0, 0.5, 1, 1, 1]), "row 3 has label 0.5; expected 1 for quark"),
        ("y", np.array([0, 1, 0, 1, np.nan, 1, 1]), "row 4 has label nan"),
        ("pt", np.array([100, 100, np.inf, 100, 100, 100, 100]), "row 2 has pt = inf"),
        ("m0", np.array([100, -500, 100, 100, 100, 100, 100]), "row 1 has m0 = -500; expected -1 to 100000 GeV"),
    ],
)
def test_wrong_arrays(qg: Path, refused, key: str, value: np.ndarray, message: str):
    with h5py.File(qg, "a") as file:
        del file[key]
        file[key] = value
    refused(read_qg_images, qg, message)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "row 5 has a pixel with value = nan"),
        (np.inf, "row 5 has a pixel with value = inf"),
        (-1, "row 5 has a pixel with value = -1; expected 0 to 100000"),
    ],
)
def test_pixels_that_are_not_physics(qg: Path, refused, value: float, message: str):
    with h5py.File(qg, "a") as file:
        file["X_jets"][5, 60, 60, 1] = value
    refused(read_qg_images, qg, message)


def test_an_empty_image(qg: Path, refused):
    with h5py.File(qg, "a") as file:
        file["X_jets"][6] = 0
    refused(read_qg_images, qg, "row 6 is an empty image")


def test_a_truncated_file_another_file_and_none(qg: Path, tmp_path: Path, refused):
    qg.write_bytes(qg.read_bytes()[:-500])
    refused(read_qg_images, qg, "truncated, corrupted, or not an HDF5 file: OSError: .*truncated")
    qg.write_text("an error page")
    refused(read_qg_images, qg, "not an HDF5 file")
    refused(read_qg_images, tmp_path / "none.hdf5", "no such file")


def test_data_in_another_file_is_not_followed(qg: Path, tmp_path: Path, refused):
    with h5py.File(tmp_path / "link.hdf5", "w") as file:
        for key in ("X_jets", "pt", "m0", "y"):
            file[key] = h5py.ExternalLink(str(qg), key)
    refused(read_qg_images, tmp_path / "link.hdf5", "key 'X_jets' is a link")


def test_a_pickle_is_never_executed_and_an_attribute_may_be_any_bytes(qg: Path, tmp_path: Path):
    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    with h5py.File(qg, "a") as file:
        file["X_jets"].attrs["pickle"] = np.void(pickle.dumps(Bomb()))
        file.attrs.create("TITLE", np.array(b"\xff\xfe\x80"), dtype=h5py.string_dtype("utf-8", 3))
    assert len(Ragged.concatenate(read_qg_images(qg))) == 7
    assert not (tmp_path / "executed").exists()


def test_real_crops(refused):
    images = Ragged.concatenate(read_electron_photon(sample("electron_photon/cms_electron_photon_100.h5")))
    check_whole(images, ELECTRON_PHOTON_LAYOUT)
    assert len(images) == 100
    assert (images["position"] < 1024).all()  # the sample has no times
    assert len(images["value"]) / (100 * 1024) == pytest.approx(0.0483, abs=1e-4)


@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_files(qg: Path, crops: Path, tmp_path: Path, count: int):
    damaged = tmp_path / "damaged.hdf5"
    assert survives(read_qg_images, qg, QG_IMAGES_LAYOUT, count, 1, damaged=damaged) < count
    assert survives(read_electron_photon, crops, ELECTRON_PHOTON_LAYOUT, count, 2, damaged=damaged) < count
