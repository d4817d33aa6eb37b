"""The published files of the hls4ml jets: a Parquet table, or HDF5.

The table of OpenML has the sixteen columns and `class`, a letter. HDF5 files name the columns `j_zlogz` ... and have
j_g, j_q, j_w, j_z and j_t, of which one is 1, among other columns: fields of a structured array `t_allpar_new`, or
columns of an array `jets`, named by `jetFeatureNames`.

References
----------
OpenML data set 42468; J. Duarte et al., arXiv:1804.06913; M. Pierini et al., doi:10.5281/zenodo.3602260.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hepexp.data.datasets.hls4ml_jets.info import FEATURES, LAYOUT, LETTERS, check
from hepexp.data.formats import parquet
from hepexp.data.formats.checked import checked
from hepexp.data.formats.hdf5 import dataset, opened
from hepexp.data.formats.refusal import require
from hepexp.data.store.check import refuse_rows
from hepexp.data.store.ragged import Ragged
from hepexp.data.tables.hdf5_files import Hdf5File
from hepexp.errors import DataError

ROWS_AT_ONCE = 50_000
LABEL = "class"
FIELDS, MATRIX, MATRIX_NAMES = "t_allpar_new", "jets", "jetFeatureNames"
_MOST_COLUMNS = 10_000


def read_table(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a Parquet file, tens of thousands at a time.

    Parameters
    ----------
    needs_label : refuse a file without `class`; otherwise its jets have no label.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    with parquet.opened(path) as file:
        found = file.schema_arrow.names
        has_label = needs_label or LABEL in found
        wanted = [*FEATURES, *([LABEL] if has_label else [])]
        require(path, "column", wanted, found)
        for first, batch in parquet.batches(file, wanted, ROWS_AT_ONCE):
            columns = {name: parquet.flat(path, first, batch, name, 0)[1] for name in FEATURES}
            label = _of_letters(path, first, batch.column(LABEL)) if has_label else None
            yield _jets(path, first, label, columns)


def read_hdf5(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of an HDF5 file; as `read_table`."""
    file, table = Hdf5File(path), FIELDS
    stored = file.contents().stored
    if FIELDS in stored:
        names = list(stored[FIELDS].dtype.names or ())
    elif MATRIX in stored:
        table, names = MATRIX, _names(path)
        if stored[MATRIX].shape != (len(names),):
            raise DataError(
                f"{path}: key '{MATRIX}' has rows of shape {stored[MATRIX].shape}, expected ({len(names)},), as many "
                f"as '{MATRIX_NAMES}' names"
            )
    else:
        raise DataError(f"{path}: has neither '{FIELDS}' nor '{MATRIX}': is this the right file for the data set?")
    given = {name: f"j_{name}" for name in FEATURES}
    classes = [f"j_{letter}" for letter in LETTERS]
    has_label = needs_label or set(classes) <= set(names)
    require(path, "column", [*given.values(), *(classes if has_label else [])], names)
    for first, parts in file.batches([table], ROWS_AT_ONCE):
        rows = parts[table].values
        columns = {name: rows[name] if table == FIELDS else rows[:, names.index(name)] for name in names}
        label = _one_hot(path, first, [columns[name] for name in classes]) if has_label else None
        yield _jets(path, first, label, {name: columns[there] for name, there in given.items()})


def _names(path: Path) -> list[str]:
    """The names of the columns of a matrix."""
    with opened(path) as file:
        found = dataset(file, path, MATRIX_NAMES, (MATRIX, MATRIX_NAMES))
        if found.dtype.kind not in "SO" or found.ndim != 1 or len(found) > _MOST_COLUMNS:
            raise DataError(f"{path}: key '{MATRIX_NAMES}' is no list of names")
        return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in found[:]]


def _of_letters(path: Path, first: int, column: pa.Array) -> NDArray[np.int64]:
    """Labels (n,) of letters, which Parquet may hold as text, bytes or a dictionary."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if not (
        pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_binary(column.type)
    ):
        raise DataError(f"{path}: column '{LABEL}' has type {column.type}, expected the letters {', '.join(LETTERS)}")
    place = pc.index_in(column.cast(pa.string()), pa.array(list(LETTERS)))
    label = pc.fill_null(place, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    refuse_rows(path, first, label < 0, f"has no {LABEL} that is one of {', '.join(LETTERS)}")
    return label


def _one_hot(path: Path, first: int, columns: Sequence[NDArray]) -> NDArray[np.int64]:
    """Labels (n,) of columns of which one is 1 and the others are 0."""
    rows = np.stack(columns, 1)
    wrong = ~np.isin(rows, (0, 1)).all(1) | (rows.sum(1) != 1)
    refuse_rows(path, first, wrong, f"is not of one class: expected 1 in one of {', '.join(f'j_{x}' for x in LETTERS)}")
    return rows.argmax(1)


def _jets(path: Path, first: int, label: NDArray | None, columns: Mapping[str, NDArray]) -> Ragged:
    n = len(columns[FEATURES[0]])
    return checked(check, LAYOUT, path, first, label, np.zeros(n + 1, np.int64), {}, columns)
