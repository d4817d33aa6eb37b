"""The Top Tagging Reference: jets in a table of pandas in HDF5, key `table`, 200 particles as columns E_0, PX_0, ...

References
----------
G. Kasieczka et al., "The machine learning landscape of top taggers", arXiv:1902.09914; Zenodo record 2603256.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  its import gives h5py the blosc filter
import numpy as np
from numpy.typing import NDArray

from hepexp.data.formats.class_labels import class_labels
from hepexp.data.formats.hdf5 import dataset, opened
from hepexp.data.formats.pickled_names import names_in
from hepexp.data.formats.refusal import refuse_elements, refuse_rows, require
from hepexp.data.layouts import TOP
from hepexp.data.ragged import Ragged, offsets_of
from hepexp.errors import DataError

JETS_AT_ONCE = 2000  # 6.5 MB of the table
N_PARTICLES = 200
_MOST_ROW_BYTES = 2**14  # a damaged header may claim any
_MOMENTA = [f"{component}_{i}" for i in range(N_PARTICLES) for component in ("E", "PX", "PY", "PZ")]
_LABEL = "is_signal_new"
_TABLE = "table/table"
_ROUNDING = 1e-5  # of (E^2 - p^2) / E^2 for a massless particle in float32


def read(path: Path) -> Iterator[Ragged]:
    """The jets of a file, some thousands at a time: particles in the file's order, without the padding.

    Raises
    ------
    DataError : names the file and the key, column or row, and says what was expected.
    """
    with opened(path) as file:
        require(path, "key", ["table"], file)
        if not isinstance(file.get("table", getlink=True), h5py.HardLink) or not isinstance(file["table"], h5py.Group):
            raise DataError(f"{path}: key 'table' is not a group; expected a table written by pandas")
        table = dataset(file["table"], path, "table", ("table",))
        where = _places(table, path)
        block, columns = _shared_block(where, path)
        label_block, label_column = where[_LABEL]
        if table.dtype.itemsize > _MOST_ROW_BYTES:
            raise DataError(f"{path}: a row of the table has {table.dtype.itemsize} bytes; expected about 3240")
        for first in range(0, len(table), JETS_AT_ONCE):
            rows = table[first : first + JETS_AT_ONCE]
            momenta = rows[block][:, columns].reshape(len(rows), N_PARTICLES, 4)
            label = class_labels(rows[label_block][:, label_column], path, first, "1 for top, 0 for QCD")
            yield _jets(momenta, label, path, first)


def _places(table: h5py.Dataset, path: Path) -> dict[str, tuple[str, int]]:
    """Block and column within it of each column of the data frame."""
    where: dict[str, tuple[str, int]] = {}
    if len(table.shape or ()) != 1 or table.dtype.names is None:
        raise DataError(f"{path}: key '{_TABLE}' has shape {table.shape} and no columns; expected a table of pandas")
    for block in table.dtype.names:
        kind = table.dtype[block]
        if not block.startswith("values_block_") or kind.ndim != 1 or kind.base.kind not in "fiu":
            continue
        attribute = f"{block}_kind"
        if attribute not in table.attrs:
            raise DataError(f"{path}: attribute '{attribute}' is missing; expected the column names that pandas writes")
        names = names_in(_bytes_of(table, attribute), f"{path}: attribute '{attribute}'")
        if len(names) != kind.shape[0]:
            raise DataError(f"{path}: attribute '{attribute}' names {len(names)} columns of {kind.shape[0]}")
        where |= {name: (block, column) for column, name in enumerate(names)}
    require(path, "column", [*_MOMENTA, _LABEL], where)
    return where


def _shared_block(where: dict[str, tuple[str, int]], path: Path) -> tuple[str, slice | list[int]]:
    """The one block that all momenta are in, and their columns in it."""
    blocks = {where[name][0] for name in _MOMENTA}
    if len(blocks) > 1:
        raise DataError(f"{path}: momenta have different types, in blocks {sorted(blocks)}; expected float32 in one")
    columns = [where[name][1] for name in _MOMENTA]
    in_order = columns == list(range(columns[0], columns[0] + len(columns)))
    return blocks.pop(), slice(columns[0], columns[0] + len(columns)) if in_order else columns


def _bytes_of(table: h5py.Dataset, attribute: str) -> bytes:
    """The bytes of a string attribute, which need not be text."""
    found = h5py.h5a.open(table.id, attribute.encode())
    if found.shape != () or found.dtype.kind not in "SV":
        return b""
    value = np.empty((), found.dtype)
    found.read(value)
    return value.tobytes()


def _jets(momenta: NDArray, label: NDArray[np.int8], path: Path, first: int) -> Ragged:
    """Jets from padded momenta (n, 200, 4)."""
    with np.errstate(over="ignore"):
        momenta = np.ascontiguousarray(momenta, np.float32)
    real = (momenta != 0).view(np.uint32)[..., 0] != 0  # any of the four bytes
    kept = momenta[real]
    counts = real.sum(axis=1)
    refuse_rows(path, first, counts == 0, "has no particles; expected at least one with E > 0")
    offsets = offsets_of(counts)

    def refuse(bad: NDArray[np.bool_], what: str) -> None:
        refuse_elements(path, first, offsets, bad, what)

    refuse(~np.isfinite(kept).all(axis=1), "has a particle with NaN or infinity; expected finite E, px, py, pz")
    energy, momentum = kept[:, 0].astype(np.float64), kept[:, 1:].astype(np.float64)
    refuse(energy <= 0, "has a particle with E <= 0; expected E > 0 in GeV")
    spacelike = np.square(momentum).sum(axis=1) > np.square(energy) * (1 + _ROUNDING)
    refuse(spacelike, "has a particle with E < |p|; expected (E, px, py, pz) in this order")
    columns = {name: np.ascontiguousarray(kept[:, i]) for i, name in enumerate(TOP.elements)}
    return Ragged(label, offsets, columns)
