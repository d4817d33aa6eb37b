"""Ragged examples in Arrow: one row an example, its elements as lists. Parquet is small, Arrow IPC is memory-mapped."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hepexp.atomic import atomic
from hepexp.data.ragged import Layout, Ragged
from hepexp.errors import DataError

ROWS_A_BATCH = 100_000  # list offsets are 32 bits: far below 2^31 elements a batch
_METADATA_KEY = b"hepexp"


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Parameters
    ----------
    chunks : the record batches, as views of the mapping where there is one.
    metadata : what made them.
    mapping : of the file into memory, for Arrow IPC.
    """

    chunks: list[Ragged]
    metadata: dict
    mapping: mmap.mmap | None


def schema_of(layout: Layout) -> pa.Schema:
    """The columns of a file of examples."""
    extras = [(name, pa.from_numpy_dtype(kind)) for name, kind in layout.extras.items()]
    elements = [(name, pa.list_(pa.from_numpy_dtype(kind))) for name, kind in layout.elements.items()]
    return pa.schema([("label", pa.int8()), *extras, *elements])


def write(path: Path, layout: Layout, parts: Iterable[Ragged], metadata: dict) -> None:
    """Write examples to path (`.parquet` or `.arrow`) in a stream; the file appears only when it is complete.

    Parameters
    ----------
    path : file to write.
    layout : of the examples.
    parts : examples, in order; each part becomes one record batch.
    metadata : what made them, any JSON: kept in the schema.
    """
    schema = schema_of(layout).with_metadata({_METADATA_KEY: json.dumps(metadata)})
    with atomic(path) as draft, _writer(path.suffix, draft, layout, schema) as writer:
        for part in parts:
            writer.write_batch(_record_batch(part, layout, schema))


def read(path: Path, layout: Layout) -> Contents:
    """A file of examples.

    Raises
    ------
    DataError : the file is missing, is not what its name says, or holds other columns; names the first damaged row.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    mapping, good = None, 0
    try:
        if path.suffix == ".arrow":
            with path.open("rb") as file:
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapping)))
            batches, schema = [], reader.schema
            for i in range(reader.num_record_batches):
                batches.append(reader.get_batch(i))
                batches[-1].validate()  # Arrow believes what a file says of itself, and would read beyond its end
                good += batches[-1].num_rows
        else:
            table = pq.read_table(path, columns=None, memory_map=False)
            batches, schema = table.combine_chunks().to_batches(), table.schema
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        where = f"from row {good} on: " if path.suffix == ".arrow" else ""
        raise DataError(
            f"{path}: not a complete {path.suffix[1:]} file: {where}{reason}; remove it and make it again"
        ) from None
    if not schema.equals(schema_of(layout)):
        found, expected = ", ".join(schema.names), ", ".join(layout.names)
        raise DataError(f"{path}: columns are {found}; expected those of the store: {expected}")
    metadata = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}"))
    return Contents([_ragged(batch, layout) for batch in batches], metadata, mapping)


def parquet_columns(path: Path) -> list[str] | None:
    """Names of the columns of a Parquet file; None where it cannot be read."""
    try:
        return pq.read_schema(path).names
    except (pa.ArrowException, OSError):
        return None


def _writer(
    suffix: str, path: Path, layout: Layout, schema: pa.Schema
) -> pa.ipc.RecordBatchFileWriter | pq.ParquetWriter:
    if suffix == ".arrow":
        return pa.ipc.new_file(str(path), schema)
    columns = {"label": np.int8, **layout.extras, **{f"{n}.list.element": kind for n, kind in layout.elements.items()}}
    encoding = {}
    for name, kind in columns.items():
        if np.issubdtype(kind, np.floating):
            # Bytes of one significance beside each other are what makes rounded floats compress.
            encoding[name] = "BYTE_STREAM_SPLIT"
        elif np.issubdtype(kind, np.unsignedinteger):
            encoding[name] = "DELTA_BINARY_PACKED"  # positions of pixels rise
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in columns if name not in encoding],
        column_encoding=encoding or None,
        data_page_size=2**24,
        write_statistics=False,
    )


def _record_batch(part: Ragged, layout: Layout, schema: pa.Schema) -> pa.RecordBatch:
    offsets = pa.array(part.offsets.astype(np.int32))
    extras = [pa.array(part.extras[name]) for name in layout.extras]
    lists = [pa.ListArray.from_arrays(offsets, pa.array(part.elements[name])) for name in layout.elements]
    return pa.RecordBatch.from_arrays([pa.array(part.label), *extras, *lists], schema=schema)


def _ragged(batch: pa.RecordBatch, layout: Layout) -> Ragged:
    """Numpy views of a record batch, without a copy."""
    lists = {name: batch.column(name) for name in layout.elements}
    return Ragged(
        label=batch.column("label").to_numpy(),
        offsets=next(iter(lists.values())).offsets.to_numpy(),
        elements={name: column.values.to_numpy(zero_copy_only=True) for name, column in lists.items()},
        extras={name: batch.column(name).to_numpy() for name in layout.extras},
    )
