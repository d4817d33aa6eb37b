"""Images in HDF5 with channels last, as the samples of CMS Open Data have them.

References
----------
M. Andrews et al., "End-to-end jet classification of quarks and gluons with the CMS Open Data", arXiv:1902.08276;
"End-to-end physics event classification with CMS Open Data", arXiv:1807.11916.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from hepexp.data.formats.checked import checked
from hepexp.data.formats.hdf5 import dataset, numbers, opened
from hepexp.data.formats.pixels import Pixels
from hepexp.data.store.check import check_images
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.errors import DataError

IMAGES_AT_ONCE = 512
_DENSE_BYTES = 2**25  # read from the file at once
_MOST_PIXELS = 2**23  # non-zero pixels kept in memory until their images are complete


def read(
    path: Path, key: str, layout: Layout, channels: tuple[int, ...], classes: tuple[str, str], needs_label: bool
) -> Iterator[Ragged]:
    """The images of a file with `key` (N, rows, columns, channels), the layout's extras (N,), and y (N,).

    Parameters
    ----------
    channels : numbers of channels that the file may have, the usual one first; missing ones are zero.
    classes : names of the classes 0 and 1.
    needs_label : refuse a file without y; otherwise its images have no label.

    Raises
    ------
    DataError : names the file and the key or row, and says what was expected.
    """
    _, rows, columns = layout.image_shape
    check = check_images(classes, layout, noun="row")
    with opened(path) as file:
        labels = ["y"] if needs_label or "y" in file else []
        expected = (key, *layout.extras, *labels)
        x = dataset(file, path, key, expected)
        found = x.shape[-1] if x.shape and x.shape[-1] in channels else channels[0]
        numbers(x, path, key, (None, rows, columns, found))
        singles = {}
        for name in (*labels, *layout.extras):
            singles[name] = numbers(dataset(file, path, name, expected), path, name, (None,))
            if len(singles[name]) != len(x):
                raise DataError(f"{path}: key '{key}' has {len(x)} images but key '{name}' has {len(singles[name])}")
        for first, pixels in _slabs(x, path, key):
            for start in range(0, pixels.n, IMAGES_AT_ONCE):
                stop = min(start + IMAGES_AT_ONCE, pixels.n)
                extras = {name: single[first + start : first + stop] for name, single in singles.items()}
                label = extras.pop("y", None)
                yield checked(check, layout, path, first + start, label, *pixels.images(start, stop), extras)


def _slabs(x: h5py.Dataset, path: Path, key: str) -> Iterator[tuple[int, Pixels]]:
    """The non-zero pixels of consecutive images, and the row of the first of them.

    Each chunk is decompressed only once. The default chunks of h5py span thousands of images but only a few pixels of
    each; the slab is then read in bands of pixel rows.
    """
    n, rows, columns, channels = x.shape
    chunk_images, chunk_rows = x.chunks[:2] if x.chunks else (1, 1)
    row_bytes = columns * channels * x.dtype.itemsize
    images = _multiple(chunk_images, _DENSE_BYTES // (rows * row_bytes))
    band = min(rows, _multiple(chunk_rows, _DENSE_BYTES // (images * row_bytes)))
    if images * band * row_bytes > 4 * _DENSE_BYTES:
        raise DataError(f"{path}: key '{key}' has chunks {x.chunks}; expected fewer images in each: use h5repack")
    positions = _positions(rows, columns, channels)
    for first in range(0, n, images):
        last = min(first + images, n)
        pixels = Pixels(last - first)
        for top in range(0, rows, band):
            pixels.add(x[first:last, top : top + band], positions[top : top + band])
            if len(pixels) > _MOST_PIXELS:
                raise DataError(
                    f"{path}: rows {first} to {last} have more than {_MOST_PIXELS} non-zero pixels in chunks of "
                    f"{chunk_images} images; expected chunks of fewer images: use h5repack"
                )
        yield first, pixels


def _multiple(of: int, most: int) -> int:
    """The largest multiple of `of` that does not exceed `most`, but at least `of` itself."""
    return max(1, most // of) * of


def _positions(rows: int, columns: int, channels: int) -> NDArray[np.uint16]:
    """Positions, with the channel first, of the pixels (rows, columns, channels) of an image."""
    order = np.arange(channels * rows * columns, dtype=np.uint16).reshape(channels, rows, columns)
    return np.ascontiguousarray(order.transpose(1, 2, 0))
