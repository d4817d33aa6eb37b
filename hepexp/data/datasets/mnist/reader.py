"""The idx format of MNIST: images as bytes in one file, labels in another, either of them optionally gzipped.

References
----------
Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.mnist.info import LAYOUT
from hepexp.data.formats.checked import checked
from hepexp.data.formats.pixels import Pixels
from hepexp.data.formats.refusal import damage_in
from hepexp.data.store.check import check_images, refuse_rows
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError

IMAGES_AT_ONCE = 5000  # 4 MB of bytes
_N_CLASSES = 10
_UNSIGNED_BYTES = 0x08  # code of the type in the magic number, before the number of dimensions
_GZIP = b"\x1f\x8b"
_POSITIONS = np.arange(np.prod(LAYOUT.image_shape), dtype=np.uint16)
_CHECK = check_images(tuple(map(str, range(_N_CLASSES))), LAYOUT, noun="row")


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The digits of an image file, with labels from the corresponding label file in the same folder.

    Parameters
    ----------
    path : e.g. train-images-idx3-ubyte.gz, with train-labels-idx1-ubyte.gz or train-labels-idx1-ubyte in its folder.
    needs_label : refuse an image file without a label file; otherwise its digits have no label.

    Returns
    -------
    A few thousand images at a time; pixel values are between 0 and 1.

    Raises
    ------
    DataError : names the file, and says what was found and what was expected.
    """
    with contextlib.ExitStack() as stack:
        beside, labels = _labels_beside(path, needs_label), None
        images, n = stack.enter_context(_opened(path, LAYOUT.image_shape[1:]))
        if beside is not None:
            labels, n_labels = stack.enter_context(_opened(beside, ()))
            if n != n_labels:
                raise DataError(
                    f"{path}: has {n} images but {beside} has {n_labels} labels; expected files that belong together"
                )
        for first in range(0, n, IMAGES_AT_ONCE):
            count = min(IMAGES_AT_ONCE, n - first)
            pixels = Pixels(count)
            pixels.add(_numbers(images, path, count * len(_POSITIONS)) / np.float32(255), _POSITIONS)
            label = None
            if labels is not None and beside is not None:
                label = _numbers(labels, beside, count)
                refuse_rows(beside, first, label >= _N_CLASSES, f"has a label above {_N_CLASSES - 1}; expected a digit")
            yield checked(_CHECK, LAYOUT, path, first, label, *pixels.images(0, count))


def _labels_beside(path: Path, needed: bool) -> Path | None:
    try:
        return labels_of(path)
    except DataError:
        if needed:
            raise
        return None


def labels_of(path: Path) -> Path:
    """The label file that belongs to an image file, compressed or not.

    Raises
    ------
    DataError : the name is not that of an image file, or there is no label file.
    """
    name = re.sub(r"images([-.])idx3", r"labels\1idx1", path.name)
    if name == path.name:
        raise DataError(f"{path}: not named like an image file; expected a name like train-images-idx3-ubyte.gz")
    plain = path.with_name(name.removesuffix(".gz"))
    both = [path.with_name(name), plain, plain.with_name(plain.name + ".gz")]
    for candidate in both:
        if candidate.is_file():
            return candidate
    raise DataError(f"{path}: its label file is missing; expected {name} in the same folder")


@contextlib.contextmanager
def _opened(path: Path, shape: tuple[int, ...]) -> Iterator[tuple[io.BufferedIOBase, int]]:
    """An idx file positioned after its header, and its number of items of this shape; all must be read before exit."""
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
                raise DataError(f"{path}: has items of shape {tuple(dimensions)}, expected {shape}")
            yield file, n
            if file.read(1):  # with gzip, reaching the end also compares the checksum
                raise DataError(f"{path}: has bytes after its {n} items, expected none: download it again")


def _numbers(file: io.BufferedIOBase, path: Path, n: int) -> NDArray[np.uint8]:
    with damage_in(path, "idx file"):  # here too, as the image and label files are open at the same time
        data = file.read(n)
    if len(data) != n:
        raise DataError(f"{path}: truncated: it has fewer items than its header says; download it again")
    return np.frombuffer(data, np.uint8)
