"""Parquet files read batch by batch, and Arrow lists converted to arrays without Python objects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hepexp.data.formats.refusal import damage_in
from hepexp.errors import DataError

# A row group is read at once if it is small, and as a stream only if it is large, as in a stream Arrow allocates
# whatever size a damaged page header claims.
_MOST_WHOLE_BYTES = 2**26
_BUFFER_BYTES = 2**20


@contextlib.contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file.

    Raises
    ------
    DataError : the file is missing, or Arrow finds it damaged while it is open.
    """
    with damage_in(path, "Parquet file"):
        about = pq.read_metadata(path)
        with pq.ParquetFile(
            path,
            metadata=about,
            buffer_size=_BUFFER_BYTES if _largest_group(about) > _MOST_WHOLE_BYTES else 0,
            pre_buffer=False,
            page_checksum_verification=True,
        ) as file:
            yield file


def batches(file: pq.ParquetFile, columns: Iterable[str], rows: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The columns in batches of at most this many rows, each with the number of its first row."""
    first = 0
    for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
        yield first, batch
        first += len(batch)


def flat(path: Path, first_row: int, batch: pa.RecordBatch, name: str, depth: int) -> tuple[list[NDArray], NDArray]:
    """The numbers in a column of nested lists.

    Parameters
    ----------
    path, first_row : where the batch comes from, for messages.
    depth : nesting depth of the lists; 0 for plain numbers.

    Returns
    -------
    The lengths of the lists at each level, from the outermost to the innermost, and the numbers themselves.

    Raises
    ------
    DataError : a value is missing, or the column has another type.
    """
    column = batch.column(name)
    lengths: list[NDArray] = []
    above: list[NDArray] = []
    for _ in range(depth):
        if not isinstance(column, pa.ListArray | pa.LargeListArray):
            break
        _refuse_null(path, first_row, name, column, above)
        offsets = column.offsets.to_numpy()
        lengths.append(np.diff(offsets))
        above.append(offsets - offsets[0])
        column = column.values.slice(offsets[0], offsets[-1] - offsets[0])
    kind = column.type
    if len(lengths) != depth or not (
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    ):
        expected = "list<" * depth + "number" + ">" * depth
        raise DataError(f"{path}: column '{name}' has type {batch.column(name).type}, expected {expected}")
    _refuse_null(path, first_row, name, column, above)
    return lengths, column.to_numpy(zero_copy_only=not pa.types.is_boolean(kind))


def _refuse_null(path: Path, first_row: int, name: str, column: pa.Array, above: Sequence[NDArray]) -> None:
    """Refuse missing values; `above` are the offsets of the lists that they are in, from the outermost inwards."""
    if column.null_count:
        place = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        for offsets in reversed(above):
            place = int(np.searchsorted(offsets, place, side="right")) - 1
        refuse_missing(path, first_row + place, name)


def refuse_missing(path: Path, row: int, name: str) -> NoReturn:
    raise DataError(f"{path}: column '{name}' has missing values, the first in row {row}; expected none")


def _largest_group(about: pq.FileMetaData) -> int:
    """Size in bytes of the largest row group; asking for the sizes of its columns can crash Arrow on a damaged file."""
    return max((about.row_group(i).total_byte_size for i in range(about.num_row_groups)), default=0)
