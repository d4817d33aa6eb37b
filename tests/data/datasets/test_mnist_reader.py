"""The digits of idx files come out as they went in, beside their own labels."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.mnist import reader as idx
from hepexp.data.datasets.mnist.info import LAYOUT as MNIST_LAYOUT
from hepexp.data.datasets.mnist.reader import read
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from tests.data.datasets import published_formats
from tests.data.formats.mutation import check_whole, survives
from tests.samples import sample


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_every_digit_comes_out_with_its_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str):
    monkeypatch.setattr(idx, "IMAGES_AT_ONCE", 4)
    path, images, labels = published_formats.write_idx(tmp_path, 10, suffix=suffix)
    parts = list(read(path))
    assert [len(part) for part in parts] == [4, 4, 2]
    digits = Ragged.concatenate(parts)
    check_whole(digits, MNIST_LAYOUT)
    np.testing.assert_allclose(to_dense(digits, MNIST_LAYOUT.shape)[:, 0] * 255, images, atol=1e-4)
    np.testing.assert_array_equal(digits.label, labels)
    assert digits["value"].max() == 1


def test_labels_may_be_compressed_where_images_are_not(tmp_path: Path):
    path, _, labels = published_formats.write_idx(tmp_path, 10)
    plain = tmp_path / "train-labels-idx1-ubyte"
    plain.with_name("train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    np.testing.assert_array_equal(Ragged.concatenate(read(path)).label, labels)


def test_labels_of_the_form_with_dots(tmp_path: Path):
    (tmp_path / "t10k-labels.idx1-ubyte").touch()
    assert idx.labels_of(tmp_path / "t10k-images.idx3-ubyte") == tmp_path / "t10k-labels.idx1-ubyte"


def test_files_that_do_not_belong_together(tmp_path: Path, refused):
    path, _, _ = published_formats.write_idx(tmp_path, 10)
    (tmp_path / "other").mkdir()
    published_formats.write_idx(tmp_path / "other", 11)
    (tmp_path / "other/train-labels-idx1-ubyte").rename(tmp_path / "train-labels-idx1-ubyte")
    refused(read, path, "has 10 images but .* has 11 labels")
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    refused(read, path, "its label file is missing; expected train-labels-idx1-ubyte in the same folder")


def test_a_file_of_labels_is_not_one_of_images(tmp_path: Path, refused):
    path, _, _ = published_formats.write_idx(tmp_path, 10)
    labels = tmp_path / "train-labels-idx1-ubyte"
    refused(read, labels, "not named like an image file")
    path.write_bytes(labels.read_bytes() + bytes(20))
    refused(read, path, "magic number 0x00000801, expected 0x00000803")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "truncated: it has fewer items than its header says"),
        (lambda data: data[:10], "truncated"),
        (lambda data: data + b"\0", "has bytes after its 10 items"),
        (lambda data: data[:11] + b"\x1d" + data[12:], r"items of shape \(29, 28\), expected \(28, 28\)"),
        (lambda data: data[:16] + bytes(784) + data[800:], "row 0 is an empty image"),
        (lambda data: gzip.compress(data)[:-9], "truncated, corrupted, or not an idx file: EOFError"),
        (lambda data: gzip.compress(data)[:-6] + bytes(6), "CRC check failed"),
        (lambda data: b"an error page", "magic number|truncated"),
    ],
)
def test_damaged_images(tmp_path: Path, refused, change, message: str):
    path, _, _ = published_formats.write_idx(tmp_path, 10)
    path.write_bytes(change(path.read_bytes()))
    refused(read, path, message)


def test_a_label_that_is_no_digit(tmp_path: Path, refused):
    path, _, _ = published_formats.write_idx(tmp_path, 10)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(idx.DataError, match=r"train-labels-idx1-ubyte: row 9 has a label above 9"):
        list(read(path))


def test_no_such_file(tmp_path: Path, refused):
    refused(read, tmp_path / "a-images-idx3-ubyte", "its label file is missing")


@pytest.mark.parametrize(("name", "n", "mean"), [("train", 60_000, 0.1307), ("t10k", 10_000, 0.1325)])
def test_real_digits(name: str, n: int, mean: float):
    parts = list(read(sample(f"mnist/{name}-images-idx3-ubyte.gz")))
    assert sum(len(part) for part in parts) == n
    total = sum(part["value"].sum(dtype=float) for part in parts)
    assert total / (n * 784) == pytest.approx(mean, abs=5e-5)  # the mean that everybody normalises by


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_files(tmp_path: Path, suffix: str, count: int):
    path, _, _ = published_formats.write_idx(tmp_path, 10, suffix=suffix)
    (tmp_path / "damaged").mkdir()
    labels = "train-labels-idx1-ubyte" + suffix
    (tmp_path / "damaged" / labels).write_bytes((tmp_path / labels).read_bytes())
    refused = survives(read, path, MNIST_LAYOUT, count, 1, damaged=tmp_path / "damaged" / path.name)
    assert refused > count * 0.99 if suffix else refused < count  # gzip has a checksum
