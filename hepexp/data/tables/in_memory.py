"""A table in memory, such as a data frame, read as a file of columns is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hepexp.data.store.ragged import offsets_of
from hepexp.data.store.table import ORIGIN
from hepexp.data.tables.layout import columns_of
from hepexp.data.tables.source import Contents, Stored, pieces, refusal_of
from hepexp.data.tables.table import Table
from hepexp.data.values import Values
from hepexp.errors import DataError


@dataclass(frozen=True)
class InMemory:
    """Columns that have been read already."""

    about: Contents
    values: Mapping[str, Values]
    path: Path = Path(ORIGIN)
    kind: str = "table"

    def contents(self) -> Contents:
        return self.about

    def batches(self, names: list[str], rows_at_once: int) -> Iterator[tuple[int, dict[str, Values]]]:
        return pieces(0, {name: self.values[name] for name in names}, rows_at_once)


def table_of(columns: Mapping[str, Sequence[Any]]) -> Table:
    """Columns of numbers, of lists with one number per particle, or of arrays, one row per example.

    Raises
    ------
    DataError : the columns have different lengths, or there are none.
    """
    values, stored, refused = {}, {}, {}
    for name, column in columns.items():
        found, shape = _read(column)
        if why := refusal_of(found.values.dtype):
            refused[str(name)] = why
        else:
            values[str(name)], stored[str(name)] = found, Stored(found.values.dtype, shape)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise DataError(f"{ORIGIN} must have columns of one length, got {lengths or 'none'}")
    contents = Contents(next(iter(lengths.values())), stored, refused)
    return Table(InMemory(contents, values), contents, columns_of(contents))


def _read(column: Sequence[Any]) -> tuple[Values, tuple[int | None, ...]]:
    """The values of a column, and the shape of one row of it."""
    if (whole := np.asarray(column) if hasattr(column, "dtype") else None) is not None and whole.dtype != object:
        return Values(whole), whole.shape[1:]
    rows = [np.asarray(row) for row in column]
    if rows and all(row.ndim == 1 for row in rows):
        typed = [row for row in rows if len(row)] or rows  # an empty list has no type
        return Values(np.concatenate(typed), offsets_of(np.array(list(map(len, rows))))), (None,)
    if len({row.shape for row in rows}) == 1:
        return Values(np.stack(rows)), rows[0].shape
    return Values(np.array([None] * len(rows), object)), ()  # refused
