"""Ranges of the columns of a file in its first rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.tables.column import Column
from hepexp.data.tables.table import Table

MOST_DISTINCT = 200  # values of a label


@dataclass(frozen=True)
class Summary:
    """A column in some rows.

    Parameters
    ----------
    column : the column.
    low, high, middle : smallest and largest number, and the median of their magnitudes; NaN if there are none.
    n_nan : number of NaN and infinite values.
    n_missing : number of values that the file does not have.
    distinct : the different values of a column of whole numbers, if there are few; otherwise empty.
    n_rows, n_distinct : number of rows, and of different values.
    most : the largest number of particles.
    lengths : (n_rows,) number of values in each row of a column of particles; otherwise None.
    highest : (n_rows,) the largest of these, for whole numbers of at least -1; -1 where there are none.
    flags : (n_rows,) the values of a column of examples that are all 0 or 1; otherwise None.
    """

    column: Column
    low: float = float("nan")
    high: float = float("nan")
    middle: float = float("nan")
    n_nan: int = 0
    distinct: tuple[int, ...] = ()
    n_rows: int = 0
    n_distinct: int = 0
    most: int = 0
    flags: NDArray[np.bool_] | None = field(default=None, compare=False)
    n_missing: int = 0
    lengths: NDArray[np.int64] | None = field(default=None, compare=False)
    highest: NDArray[np.int64] | None = field(default=None, compare=False)

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers, and few different ones."""
        return bool(self.distinct)


def summarise(tables: list[Table], rows: int) -> dict[str, Summary]:
    """The columns of the first file in the first rows of every file that has them.

    Parameters
    ----------
    rows : of each file.
    """
    found: dict[str, list] = {column.name: [] for column in tables[0].columns.values() if column.listed}
    for table in tables:
        names = [name for name in found if name in table.columns]
        n = 0
        for chunk in table.batches(names, min(rows, 1000)):
            for name in names:
                found[name].append(chunk.columns[name])
            n += chunk.n
            if n >= rows:
                break
    return {name: _with_missing(_summary(tables[0].columns[name], parts), tables) for name, parts in found.items()}


def _with_missing(summary: Summary, tables: list[Table]) -> Summary:
    """The summary of a column, in which missing numbers were read as NaN."""
    counts = [table.missing for table in tables if table.missing is not None]
    numbers = sum(count.numbers[name] for count in counts for name in summary.column.needs)
    lists = sum(count.lists[name] for count in counts for name in summary.column.needs)
    return replace(summary, n_nan=max(0, summary.n_nan - numbers), n_missing=numbers + lists)


def _summary(column: Column, parts: list) -> Summary:
    if not parts:
        return Summary(column)
    values = np.concatenate([part.values.reshape(-1) for part in parts])
    finite = values[np.isfinite(values)]
    n_rows = sum(map(len, parts))
    lists = column.level == "particles" and all(part.offsets is not None for part in parts)
    lengths = np.concatenate([part.counts for part in parts]) if lists else None
    most = 0 if lengths is None else int(lengths.max(initial=0))
    if not len(finite):
        return Summary(column, n_nan=len(values), n_rows=n_rows, most=most, lengths=lengths)
    different = np.unique(finite)
    whole = column.level != "array" and len(different) <= MOST_DISTINCT and bool((different % 1 == 0).all())
    binary = column.level == "example" and len(finite) == n_rows and bool(np.isin(different, (0, 1)).all())
    places = values.dtype.kind in "iu" and different[0] >= -1
    return Summary(
        column,
        float(different[0]),
        float(different[-1]),
        float(np.median(np.abs(finite.astype(np.float64)))),
        len(values) - len(finite),
        tuple(int(value) for value in different) if whole else (),
        n_rows,
        len(different),
        most,
        values.astype(bool) if binary else None,
        lengths=lengths,
        highest=None if lengths is None or not places else _highest(values, lengths),
    )


def _highest(values: NDArray[np.integer], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest value (n,) in each of n lists, -1 in empty ones."""
    found = np.full(len(lengths), -1, np.int64)
    np.maximum.at(found, np.repeat(np.arange(len(lengths)), lengths), values.astype(np.int64))
    return found
