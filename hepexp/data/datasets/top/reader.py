"""The Top Tagging Reference: jets in a pandas HDF5 table with key `table`, 200 particles as columns E_0, PX_0, ...

References
----------
G. Kasieczka et al., "The machine learning landscape of top taggers", arXiv:1902.09914; Zenodo record 2603256.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  importing it registers the blosc filter with h5py
import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.top.info import LAYOUT
from hepexp.data.formats.checked import checked
from hepexp.data.formats.hdf5 import attribute_bytes, dataset, opened
from hepexp.data.formats.pickled_names import names_in
from hepexp.data.formats.refusal import require
from hepexp.data.store.check import check_four_momenta
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import DataError

JETS_AT_ONCE = 2000  # 6.5 MB of the table
N_PARTICLES = 200
_MOST_ROW_BYTES = 2**14  # a damaged header can claim any size
_MOMENTA = [f"{component}_{i}" for i in range(N_PARTICLES) for component in ("E", "PX", "PY", "PZ")]
_LABEL = "is_signal_new"
_TABLE = "table/table"
_CHECK = check_four_momenta(("qcd", "top"), LAYOUT, noun="row")


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time: particles in the file's order, without padding.

    Parameters
    ----------
    needs_label : refuse a file without is_signal_new; otherwise its jets have no label.

    Raises
    ------
    DataError : names the file and the key, column or row, and says what was expected.
    """
    with opened(path) as file:
        require(path, "key", ["table"], file)
        if not isinstance(file.get("table", getlink=True), h5py.HardLink) or not isinstance(file["table"], h5py.Group):
            raise DataError(f"{path}: key 'table' is not a group; expected a table written by pandas")
        table = dataset(file["table"], path, "table", ("table",))
        where = _places(table, path, needs_label)
        block, columns = _shared_block(where, path)
        label_block, label_column = where.get(_LABEL, (None, None))
        if table.dtype.itemsize > _MOST_ROW_BYTES:
            raise DataError(f"{path}: a row of the table has {table.dtype.itemsize} bytes; expected about 3240")
        for first in range(0, len(table), JETS_AT_ONCE):
            rows = table[first : first + JETS_AT_ONCE]
            momenta = rows[block][:, columns].reshape(len(rows), N_PARTICLES, 4)
            label = None if label_block is None else rows[label_block][:, label_column]
            yield _jets(momenta, label, path, first)


def _places(table: h5py.Dataset, path: Path, needs_label: bool) -> dict[str, tuple[str, int]]:
    """Block of each column of the data frame, and column within the block."""
    where: dict[str, tuple[str, int]] = {}
    if len(table.shape or ()) != 1 or table.dtype.names is None:
        raise DataError(f"{path}: key '{_TABLE}' has shape {table.shape} and no columns; expected a pandas table")
    for block in table.dtype.names:
        kind = table.dtype[block]
        if not block.startswith("values_block_") or kind.ndim != 1 or kind.base.kind not in "fiu":
            continue
        attribute = f"{block}_kind"
        if attribute not in table.attrs:
            raise DataError(f"{path}: attribute '{attribute}' is missing; expected the column names that pandas writes")
        names = names_in(attribute_bytes(table, attribute), f"{path}: attribute '{attribute}'")
        if len(names) != kind.shape[0]:
            raise DataError(f"{path}: attribute '{attribute}' names {len(names)} columns, expected {kind.shape[0]}")
        where |= {name: (block, column) for column, name in enumerate(names)}
    require(path, "column", [*_MOMENTA, *([_LABEL] if needs_label else [])], where)
    return where


def _shared_block(where: dict[str, tuple[str, int]], path: Path) -> tuple[str, slice | list[int]]:
    """The block that contains all momenta, and their columns in it."""
    blocks = {where[name][0] for name in _MOMENTA}
    if len(blocks) > 1:
        raise DataError(f"{path}: momenta have different types, in blocks {sorted(blocks)}; expected float32 in one")
    columns = [where[name][1] for name in _MOMENTA]
    in_order = columns == list(range(columns[0], columns[0] + len(columns)))
    return blocks.pop(), slice(columns[0], columns[0] + len(columns)) if in_order else columns


def _jets(momenta: NDArray, label: NDArray | None, path: Path, first: int) -> Ragged:
    """Jets from padded momenta (n, 200, 4)."""
    with np.errstate(over="ignore"):  # infinity is refused when the jets are checked
        momenta = np.ascontiguousarray(momenta, np.float32)
    real = (momenta != 0).view(np.uint32)[..., 0] != 0  # any of the four bytes
    kept = momenta[real]
    columns = {name: np.ascontiguousarray(kept[:, i]) for i, name in enumerate(LAYOUT.elements)}
    return checked(_CHECK, LAYOUT, path, first, label, offsets_of(real.sum(axis=1)), columns)
