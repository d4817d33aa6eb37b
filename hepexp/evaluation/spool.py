"""A table that is longer than the memory: written by parts to a temporary file, and read again by batches of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from hepexp.errors import DataError

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)
LABEL = "label"
COUNTS = "_counts"  # behind the name of a column of lists: how many values each row has


class Spool:
    """Rows of a table in Arrow files, a further one from where there are further columns.

    Rows that lack a column of others are null there.

    Parameters
    ----------
    path : temporary file, made with the first rows; those of further columns are beside it.

    Attributes
    ----------
    n : number of rows so far.
    labelled : whether the class of any of them is known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n = 0
        self.labelled = False
        self._schema: pa.Schema | None = None
        self._paths: list[Path] = []
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._columns: dict[str, set[str]] = {}  # that the rows of an origin have

    def add(self, table: pa.Table, origin: str = "the table") -> None:
        """Append rows.

        Parameters
        ----------
        origin : of the rows, for messages.

        Raises
        ------
        DataError : a column has another type than before.
        """
        self._refuse_different(table.schema, origin)
        before = self._schema if self._schema is not None else pa.schema([], table.schema.metadata)
        further = [field for field in table.schema if field.name not in before.names]
        if further or self._writer is None:
            self.close()
            self._schema = pa.schema([*before, *further], before.metadata)
            self._paths.append(self.path.with_stem(f"{self.path.stem}{len(self._paths) or ''}"))
            self._writer = pa.ipc.new_file(str(self._paths[-1]), self._schema)
        self._writer.write_table(_with_columns(table, self._schema))
        self.n += len(table)
        there = {*table.column_names} - {LABEL}
        if LABEL in table.column_names and (table[LABEL].drop_null().to_numpy() >= 0).any():
            self.labelled = True
            there.add(LABEL)
        self._columns.setdefault(origin, set()).update(there)

    def _refuse_different(self, schema: pa.Schema, origin: str) -> None:
        for field in schema:
            before = self._schema.field(field.name).type if self._schema and field.name in self._schema.names else None
            if before not in (None, field.type):
                raise DataError(
                    f"{origin}: '{field.name}' is {field.type}, but {before} in the file before; score them separately"
                )

    def lacking(self) -> dict[str, list[str]]:
        """The columns that rows of an origin lack, all of their labels among them, by the origin; of those that do."""
        found = {origin: [n for n in self.schema.names if n not in there] for origin, there in self._columns.items()}
        return {origin: names for origin, names in found.items() if names}

    def close(self) -> None:
        """End the file, which can be read from then on."""
        if self._writer is not None:
            self._writer.close()

    def remove(self) -> None:
        """Remove the files, if they were made."""
        with contextlib.suppress(OSError):  # a full disk, which `add` has reported
            self.close()
        for path in self._paths:
            path.unlink(missing_ok=True)

    @property
    def schema(self) -> pa.Schema:
        """The columns, without labels where none is known."""
        assert self._schema is not None, "rows have been added"
        if LABEL not in self._schema.names or self.labelled:
            return self._schema
        return self._schema.remove(self._schema.get_field_index(LABEL))

    def batches(self, *names: str) -> Iterator[pa.RecordBatch]:
        """The rows in order, some thousands at a time: some of the columns, by default all."""
        for path in self._paths:
            with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
                for i in range(reader.num_record_batches):
                    yield _with_columns(reader.get_batch(i), self._schema).select(list(names or self.schema.names))

    def column(self, name: str) -> Iterator[pa.Array]:
        """The values of one column, some thousands at a time."""
        return (batch.column(0) for batch in self.batches(name))

    def flat(self) -> Iterator[Flat]:
        """The columns as arrays of numbers: of lists their values, and how many each row has."""
        for field in self.schema:
            if pa.types.is_list(field.type):
                n = sum(len(column.flatten()) for column in self.column(field.name))
                values = (number_array(column.flatten()) for column in self.column(field.name))
                yield Flat(field.name, dtype_of(field.type.value_type), n, values)
                counts = (counts_of(column) for column in self.column(field.name))
                yield Flat(f"{field.name}{COUNTS}", np.dtype(np.int64), self.n, counts)
            else:
                values = (number_array(column) for column in self.column(field.name))
                yield Flat(field.name, dtype_of(field.type), self.n, values)


@dataclass(frozen=True)
class Flat:
    """A column (n,) as an array, in chunks."""

    name: str
    dtype: np.dtype
    n: int
    chunks: Iterator[np.ndarray]


def _with_columns(rows: Rows, schema: pa.Schema) -> Rows:
    """The rows with the columns of a schema, null where they lack one."""
    columns = [rows[f.name] if f.name in rows.schema.names else pa.nulls(len(rows), f.type) for f in schema]
    return type(rows).from_arrays(columns, schema=schema)


def dtype_of(kind: pa.DataType) -> np.dtype:
    """The type of the values of a column without lists."""
    return np.dtype(kind.to_pandas_dtype())


def counts_of(column: pa.Array) -> np.ndarray:
    """The length (n,) of each list, zero where there is none."""
    return column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)


def number_array(column: pa.Array) -> np.ndarray:
    """The values of a column without lists; what is not known is NaN, -1, or the largest number without a sign."""
    if not column.null_count:
        return column.to_numpy(zero_copy_only=False)
    dtype = dtype_of(column.type)
    missing = np.nan if dtype.kind == "f" else np.iinfo(dtype).max if dtype.kind == "u" else -1
    return column.fill_null(pa.scalar(missing, column.type)).to_numpy(zero_copy_only=False)
