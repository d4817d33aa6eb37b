"""What is stored in a file, before it is known which axis stands for particles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from hepexp.data.values import Values
from hepexp.errors import DataError

MOST_ROW_BYTES = 2**24  # of one stored array; a damaged header can claim any size
MOST_SLAB_BYTES = 2**27  # read at once
MOST_ARRAYS = 20_000  # in a file


@dataclass(frozen=True)
class Stored:
    """One array in a file.

    Parameters
    ----------
    dtype : numbers, or a structure of them.
    shape : of one row: () for a number, (None,) for a list, (P,), (P, F) and so on for an array.
    names : of the places on the last axis; empty if they have none.
    blocks : for a structure, names of the places on the axis of a field.
    units : of the names, of the fields, or of the array itself under "".
    group : arrays of the same group describe the same things.
    is_label : whether an attribute says that it is a label.
    """

    dtype: np.dtype
    shape: tuple[int | None, ...]
    names: tuple[str, ...] = ()
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    is_label: bool = False

    @property
    def axes(self) -> tuple[int, ...]:
        """The shape of a row of an array, which is no list."""
        return tuple(length for length in self.shape if length is not None)


@dataclass(frozen=True)
class Contents:
    """What a file has.

    Parameters
    ----------
    n_rows : number of rows.
    stored : its arrays by name.
    refused : names of what cannot be read as numbers, and why.
    """

    n_rows: int
    stored: Mapping[str, Stored]
    refused: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A file of one format. Each method opens it, and closes it at its end."""

    @property
    def path(self) -> Path: ...

    @property
    def kind(self) -> str:
        """What it is, for messages."""

    def contents(self) -> Contents:
        """What the file has; reads no data."""

    def batches(self, names: list[str], rows_at_once: int) -> Iterator[tuple[int, dict[str, Values]]]:
        """Arrays in consecutive rows, with the number of the first row of each batch."""


def refusal_of(dtype: np.dtype) -> str | None:
    """Why arrays of this type are no columns of numbers; None if they are."""
    if dtype.names is not None:
        return next((f"field '{name}' holds {why}" for name in dtype.names if (why := refusal_of(dtype[name]))), None)
    kinds = {"O": "Python objects", "S": "text", "U": "text", "M": "dates", "m": "times", "c": "complex numbers"}
    return None if dtype.base.kind in "biuf" else kinds.get(dtype.base.kind, f"values of type {dtype}")


def size_of_row(path: Path, name: str, stored: Stored) -> int:
    """Bytes of a row of an array.

    Raises
    ------
    DataError : more than any example has.
    """
    size = stored.dtype.itemsize
    for length in stored.shape:
        size *= length or 1
    if size > MOST_ROW_BYTES:
        raise DataError(
            f"{path}: a row of '{name}' has {size / 2**20:,.0f} MiB; expected at most {MOST_ROW_BYTES / 2**20:.0f}"
        )
    return size


def rows_for(path: Path, stored: Mapping[str, Stored], rows_at_once: int) -> int:
    """Number of rows to read at once so that the arrays take little memory."""
    row = sum(size_of_row(path, name, array) for name, array in stored.items())
    return max(1, min(rows_at_once, MOST_SLAB_BYTES // max(row, 1)))


def pieces(first: int, columns: Mapping[str, Values], rows_at_once: int) -> Iterator[tuple[int, dict[str, Values]]]:
    """Rows that were read at once, in smaller batches."""
    n = len(next(iter(columns.values())))
    for start in range(0, n, rows_at_once):
        rows = slice(start, min(start + rows_at_once, n))
        yield first + start, {name: values[rows] for name, values in columns.items()}
