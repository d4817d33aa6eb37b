"""The idx format of MNIST: images of bytes in one file, their labels in another, each plain or compressed by gzip.

References
----------
Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import contextlib
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from hepexp.data.check import check_images
from hepexp.data.formats.checked import checked
from hepexp.data.formats.pixels import Pixels
from hepexp.data.formats.refusal import damage_in, refuse_rows
from hepexp.data.layouts import MNIST
from hepexp.data.ragged import Ragged
from hepexp.errors import DataError

IMAGES_AT_ONCE = 5000  # 4 MB of bytes
_N_CLASSES = 10
_UNSIGNED_BYTES = 0x08  # code of the type in the magic number, before the number of dimensions
_GZIP = b"\x1f\x8b"
_POSITIONS = np.arange(np.prod(MNIST.shape), dtype=np.uint16)
_CHECK = check_images(tuple(map(str, range(_N_CLASSES))), MNIST, noun="row")


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The digits of a file of images; their labels are in the file beside it, named after it.

    Parameters
    ----------
    path : e.g. train-images-idx3-ubyte.gz, with train-labels-idx1-ubyte.gz or train-labels-idx1-ubyte in its folder.
    needs_label : refuse a file of images without labels beside it; else its digits have no label.

    Returns
    -------
    Some thousands of images at a time; pixels are in 0 to 1.

    Raises
    ------
    DataError : names the file, what was found and what was expected.
    """
    with contextlib.ExitStack() as stack:
        beside, labels = _labels_beside(path, needs_label), None
        images, n = stack.enter_context(_opened(path, MNIST.shape[1:]))
        if beside is not None:
            labels, n_labels = stack.enter_context(_opened(beside, ()))
            if n != n_labels:
                raise DataError(
                    f"{path}: holds {n} images but {beside} {n_labels} labels; expected files that belong together"
                )
        for first in range(0, n, IMAGES_AT_ONCE):
            count = min(IMAGES_AT_ONCE, n - first)
            pixels = Pixels(count)
            pixels.add(_numbers(images, path, count * len(_POSITIONS)) / np.float32(255), _POSITIONS)
            label = None
            if labels is not None:
                label = _numbers(labels, beside, count)
                refuse_rows(beside, first, label >= _N_CLASSES, f"has a label above {_N_CLASSES - 1}; expected a digit")
            yield checked(_CHECK, MNIST, path, first, label, *pixels.images(0, count))


def _labels_beside(path: Path, needed: bool) -> Path | None:
    try:
        return labels_of(path)
    except DataError:
        if needed:
            raise
        return None


def labels_of(path: Path) -> Path:
    """The file of labels that belongs to a file of images, plain or compressed, whichever is there.

    Raises
    ------
    DataError : the name is not that of a file of images, or there is no such file.
    """
    name = re.sub(r"images([-.])idx3", r"labels\1idx1", path.name)
    if name == path.name:
        raise DataError(f"{path}: not named as a file of images; expected a name like train-images-idx3-ubyte.gz")
    plain = path.with_name(name.removesuffix(".gz"))
    both = [path.with_name(name), plain, plain.with_name(plain.name + ".gz")]
    for candidate in both:
        if candidate.is_file():
            return candidate
    raise DataError(f"{path}: its labels are missing; expected {name} in the same folder")


@contextlib.contextmanager
def _opened(path: Path, shape: tuple[int, ...]) -> Iterator[tuple[BinaryIO, int]]:
    """The bytes of a file after its header, and how many items of this shape they are; none may be left at the end."""
    with damage_in(path, "idx file"), path.open("rb") as plain:
        compressed = plain.read(2) == _GZIP
        plain.seek(0)
        with gzip.GzipFile(fileobj=plain) if compressed else plain as file:
            magic = _UNSIGNED_BYTES << 8 | len(shape) + 1
            found, n, *dimensions = _numbers(file, path, 4 * (2 + len(shape))).view(">u4").tolist()
            if found != magic:
                raise DataError(
                    f"{path}: magic number {found:#010x}, expected {magic:#010x}: is it an idx file of bytes?"
                )
            if tuple(dimensions) != shape:
                raise DataError(f"{path}: holds items of shape {tuple(dimensions)}, expected {shape}")
            yield file, n
            if file.read(1):  # with gzip, reaching the end also compares the checksum
                raise DataError(f"{path}: has bytes after its {n} items, expected none: fetch it again")


def _numbers(file: BinaryIO, path: Path, n: int) -> NDArray[np.uint8]:
    with damage_in(path, "idx file"):  # here, as images and labels are open at once
        data = file.read(n)
    if len(data) != n:
        raise DataError(f"{path}: truncated: it ends before the items that its header counts; fetch it again")
    return np.frombuffer(data, np.uint8)
