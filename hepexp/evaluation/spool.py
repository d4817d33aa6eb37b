"""A table that is longer than the memory: written by parts to a temporary file, and read again by batches of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.errors import DataError

LABEL = "label"


class Spool:
    """Rows of a table in an Arrow file.

    Parameters
    ----------
    path : temporary file, made with the first rows.

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
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    def add(self, table: pa.Table, origin: str = "the table") -> None:
        """Append rows.

        Parameters
        ----------
        origin : of the rows, for messages.

        Raises
        ------
        DataError : they have other columns than those before.
        """
        if self._writer is None:
            self._schema = table.schema
            self._writer = pa.ipc.new_file(str(self.path), self._schema)
        self._refuse_different(table.schema, origin)
        self._writer.write_table(table.replace_schema_metadata(self._schema.metadata))
        self.n += len(table)
        if LABEL in table.column_names:
            self.labelled |= bool((table[LABEL].drop_null().to_numpy() >= 0).any())

    def _refuse_different(self, schema: pa.Schema, origin: str) -> None:
        if missing := {*self._schema.names} ^ {*schema.names}:
            raise DataError(
                f"{origin}: only some of the files have {', '.join(sorted(missing))}; score them separately"
            )
        for field in schema:
            if (before := self._schema.field(field.name).type) != field.type:
                raise DataError(
                    f"{origin}: '{field.name}' is {field.type}, but {before} in the file before; score them separately"
                )

    def close(self) -> None:
        """End the file, which can be read from then on."""
        if self._writer is not None:
            self._writer.close()

    def remove(self) -> None:
        """Remove the file, if it was made."""
        with contextlib.suppress(OSError):  # a full disk, which `add` has reported
            self.close()
        self.path.unlink(missing_ok=True)

    @property
    def schema(self) -> pa.Schema:
        """The columns, without labels where none is known."""
        if LABEL not in self._schema.names or self.labelled:
            return self._schema
        return self._schema.remove(self._schema.get_field_index(LABEL))

    def batches(self, *names: str) -> Iterator[pa.RecordBatch]:
        """The rows in order, some thousands at a time: some of the columns, by default all."""
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            for i in range(reader.num_record_batches):
                yield reader.get_batch(i).select(list(names or self.schema.names))

    def column(self, name: str) -> Iterator[pa.Array]:
        """The values of one column, some thousands at a time."""
        return (batch.column(0) for batch in self.batches(name))

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """As `column`, as arrays, with -1 for what is not known."""
        return (number_array(column) for column in self.column(name))


def number_array(column: pa.Array) -> np.ndarray:
    """The values of a column without lists, with -1 for what is not known."""
    filled = column.fill_null(-1) if column.null_count else column
    return filled.to_numpy(zero_copy_only=False)
