"""The published files of quark and gluon images: one in HDF5, or three in Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.data.datasets.qg_images.info import CLASSES, LAYOUT
from hepexp.data.formats import image_hdf5, parquet
from hepexp.data.formats.checked import checked
from hepexp.data.formats.pixels import Pixels
from hepexp.data.formats.refusal import require
from hepexp.data.store.check import check_images, refuse_rows
from hepexp.data.store.ragged import Ragged

IMAGES_AT_ONCE = 32  # 12 MB of doubles, of which Arrow needs about three copies
_COLUMNS = ("X_jets", *LAYOUT.extras)
_POSITIONS = np.arange(np.prod(LAYOUT.image_shape), dtype=np.uint16)
_CHECK = check_images(CLASSES, LAYOUT, noun="row")


def read_hdf5(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The jets of a file with X_jets (N, 125, 125, 3), tracks, ECAL and HCAL; m0 and pt (N,) in GeV; y (N,).

    Parameters
    ----------
    needs_label : refuse a file without y; otherwise its jets have no label.

    Raises
    ------
    DataError : names the file and the key or row, and says what was expected.
    """
    return image_hdf5.read(path, "X_jets", LAYOUT, (3,), CLASSES, needs_label)


def read_parquet(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file with X_jets as nested lists (3, 125, 125), a few at a time; pt and m0 in GeV; y.

    Parameters
    ----------
    needs_label : refuse a file without y; otherwise its jets have no label.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    with parquet.opened(path) as file:
        found = file.schema_arrow.names
        columns = (*_COLUMNS, "y") if needs_label or "y" in found else _COLUMNS
        require(path, "column", columns, found)
        for first, batch in parquet.batches(file, columns, IMAGES_AT_ONCE):
            yield _images(path, first, batch)


def _images(path: Path, first: int, batch: pa.RecordBatch) -> Ragged:
    lengths, values = parquet.flat(path, first, batch, "X_jets", 3)
    each = 1
    for found, expected in zip(lengths, LAYOUT.image_shape, strict=True):
        bad = np.flatnonzero(found != expected)[:1] // each  # row of the first wrong list of this level
        refuse_rows(path, first, np.isin(np.arange(len(batch)), bad), f"has no image {LAYOUT.image_shape} in X_jets")
        each *= expected
    pixels = Pixels(len(batch))
    pixels.add(values, _POSITIONS)
    extras = {name: parquet.flat(path, first, batch, name, 0)[1] for name in LAYOUT.extras}
    label = parquet.flat(path, first, batch, "y", 0)[1] if "y" in batch.schema.names else None
    return checked(_CHECK, LAYOUT, path, first, label, *pixels.images(0, len(batch)), extras)
