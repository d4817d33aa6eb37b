"""Parquet and Arrow (Feather) files: numbers, lists of numbers or of records, and lists of fixed length."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.data.formats import parquet
from hepexp.data.formats.refusal import damage_in
from hepexp.data.store.ragged import offsets_of
from hepexp.data.tables.missing import Missing
from hepexp.data.tables.source import Contents, Stored, rows_for
from hepexp.data.values import Values
from hepexp.errors import DataError


@dataclass(frozen=True)
class ArrowFile:
    """A Parquet file or an Arrow file. The members of a record `jet` are columns `jet.pt`, `jet.eta`, ...

    Parameters
    ----------
    parquet : whether it is a Parquet file.
    missing : to which missing values are added when they are read; None to refuse them.
    """

    path: Path
    parquet: bool
    missing: Missing | None = None

    @property
    def kind(self) -> str:
        return "Parquet file" if self.parquet else "Arrow file"

    def contents(self) -> Contents:
        with damage_in(self.path, self.kind), self._opened() as (schema, n_rows, _):
            stored: dict[str, Stored] = {}
            refused: dict[str, str] = {}
            for column in schema:
                for name, kind, _ in _members(column):
                    found = _stored(kind, column)
                    if name in stored or name in refused:
                        raise DataError(f"{self.path}: two columns '{name}'; expected different names")
                    if isinstance(found, str):
                        refused[name] = found
                    else:
                        stored[name] = found
            return Contents(n_rows, stored, refused)

    def batches(self, names: list[str], rows_at_once: int) -> Iterator[tuple[int, dict[str, Values]]]:
        with damage_in(self.path, self.kind), self._opened() as (schema, _, batches):
            members = {name: (column, path) for column in schema for name, _, path in _members(column)}
            wanted = {name: _stored_of(schema, name) for name in names}
            step = rows_for(self.path, wanted, rows_at_once)
            columns = list(dict.fromkeys(members[name][0].name for name in names))
            for first, batch in batches(columns, step):
                found = {}
                for name in names:
                    column, path = members[name]
                    array = _decoded(_descend(batch.column(column.name), path))
                    found[name] = self._values(array, name, wanted[name], first)
                yield first, found

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple]:
        """Schema, number of rows, and a function that reads columns in batches."""
        if self.parquet:
            with parquet.opened(self.path) as file:
                yield file.schema_arrow, file.metadata.num_rows, lambda names, rows: parquet.batches(file, names, rows)
            return
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            n_rows = sum(len(batch) for batch in batches)
            yield reader.schema, n_rows, lambda names, rows: _pieces(reader, names, rows)

    def _values(self, array: pa.Array, name: str, stored: Stored, first: int) -> Values:
        if self.missing is not None:
            array = self.missing.filled(array, name)
        if stored.shape and stored.shape[0] is not None:
            size = 1
            for length in (1, *stored.axes):
                size *= length
                if array.null_count:
                    place = int(np.argmax(array.is_null().to_numpy(zero_copy_only=False)))
                    parquet.refuse_missing(self.path, first + place // size, name)
                array = array.flatten() if pa.types.is_fixed_size_list(array.type) else array
            batch = pa.RecordBatch.from_arrays([array], [name])
            _, numbers = parquet.flat(self.path, first, batch, name, 0)
            return Values(numbers.reshape(-1, *stored.shape))
        batch = pa.RecordBatch.from_arrays([array], [name])
        lengths, numbers = parquet.flat(self.path, first, batch, name, len(stored.shape))
        return Values(numbers, offsets_of(lengths[0].astype(np.int64)) if lengths else None)


def _pieces(reader: pa.RecordBatchFileReader, names: list[str], rows: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    first = 0
    for i in range(reader.num_record_batches):
        batch = reader.get_batch(i)
        batch.validate(full=True)  # Arrow trusts the header of a file, and would read beyond its end
        for start in range(0, len(batch), rows):
            piece = batch.slice(start, rows).select(names)
            yield first, piece
            first += len(piece)


def _members(column: pa.Field) -> Iterator[tuple[str, pa.DataType, tuple[int, ...]]]:
    """The column itself, or the members of its records, each with its type and the way to it."""
    kind = column.type
    if pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            yield f"{column.name}.{kind.field(i).name}", kind.field(i).type, (i,)
    elif _is_list(kind) and pa.types.is_struct(kind.value_type):
        record = kind.value_type
        for i in range(record.num_fields):
            yield f"{column.name}.{record.field(i).name}", pa.list_(record.field(i).type), (i,)
    else:
        yield column.name, kind, ()


def _descend(array: pa.Array, path: tuple[int, ...]) -> pa.Array:
    for i in path:
        if pa.types.is_struct(array.type):
            array = _member(array, i)
        else:
            missing = array.is_null() if array.null_count else None
            array = type(array).from_arrays(array.offsets, _member(array.values, i), mask=missing)
    return array


def _decoded(array: pa.Array) -> pa.Array:
    """The values of an array, or of lists, that refers to a dictionary, as pandas writes categories."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return array.dictionary_decode()
    values = kind.value_type if _is_list(kind) or pa.types.is_fixed_size_list(kind) else None
    if values is None or not pa.types.is_dictionary(values):
        return array
    if pa.types.is_fixed_size_list(kind):
        return array.cast(pa.list_(values.value_type, kind.list_size))
    return array.cast(pa.large_list(values.value_type) if pa.types.is_large_list(kind) else pa.list_(values.value_type))


def _member(records: pa.StructArray, i: int) -> pa.Array:
    """A member of records, missing where the record is."""
    return records.flatten()[i]


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _stored_of(schema: pa.Schema, wanted: str) -> Stored:
    found = (_stored(kind, column) for column in schema for name, kind, _ in _members(column) if name == wanted)
    return next(stored for stored in found if isinstance(stored, Stored))


def _stored(kind: pa.DataType, column: pa.Field) -> Stored | str:
    """What a column holds, or why it is not read."""
    whole = kind
    shape: tuple[int | None, ...] = ()
    if _is_list(kind):
        kind, shape = kind.value_type, (None,)
    else:
        while pa.types.is_fixed_size_list(kind):
            kind, shape = kind.value_type, (*shape, kind.list_size)
    if pa.types.is_null(kind):
        return "nothing but missing values" if whole is kind else "lists that are all empty, of no type of numbers"
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if not number:
        return f"values of type {str(whole)[:60]}"
    unit = (column.metadata or {}).get(b"unit", b"").decode("utf-8", "replace")
    return Stored(np.dtype(kind.to_pandas_dtype()), shape, units={"": unit} if unit else {})
