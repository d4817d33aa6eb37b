"""Jets in Arrow: one row a jet, its particles as lists. Parquet is small, Arrow IPC is memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hepexp.atomic import atomic
from hepexp.data.jets import PARTICLE_COLUMNS, Jets
from hepexp.errors import DataError

SCHEMA = pa.schema(
    [
        ("label", pa.int8()),
        ("pt", pa.list_(pa.float32())),
        ("y", pa.list_(pa.float32())),
        ("phi", pa.list_(pa.float32())),
        ("pdgid", pa.list_(pa.int32())),
    ]
)
ROWS_A_BATCH = 100_000  # list offsets are 32 bits: far below 2^31 particles a batch
_METADATA_KEY = b"hepexp"


def write(path: Path, parts: Iterable[Jets], metadata: dict) -> None:
    """Write jets to path (`.parquet` or `.arrow`) in a stream; the file appears only when it is complete.

    Parameters
    ----------
    path : file to write.
    parts : jets, in order; each part becomes one record batch.
    metadata : what made them, any JSON: kept in the schema.
    """
    schema = SCHEMA.with_metadata({_METADATA_KEY: json.dumps(metadata)})
    with atomic(path) as draft, _writer(path.suffix, draft, schema) as writer:
        for jets in parts:
            writer.write_batch(_record_batch(jets, schema))


def read(path: Path) -> tuple[list[Jets], dict]:
    """The record batches of a file, memory-mapped where it is Arrow IPC, and its metadata.

    Raises
    ------
    DataError : the file is missing, is not what its name says, or holds other columns.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        if path.suffix == ".arrow":
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
            schema = reader.schema
        else:
            table = pq.read_table(path, columns=None, memory_map=False)
            batches, schema = table.combine_chunks().to_batches(), table.schema
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a complete {path.suffix[1:]} file: {str(error).splitlines()[0]}") from None
    if not schema.equals(SCHEMA):
        found, expected = ", ".join(schema.names), ", ".join(SCHEMA.names)
        raise DataError(f"{path}: columns are {found}; expected those of the jet store: {expected}")
    metadata = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}"))
    return [_jets(batch) for batch in batches], metadata


def _writer(suffix: str, path: Path, schema: pa.Schema) -> pa.ipc.RecordBatchFileWriter | pq.ParquetWriter:
    if suffix == ".arrow":
        return pa.ipc.new_file(str(path), schema)
    # Bytes of one significance beside each other are what makes rounded floats compress.
    split = {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in ("pt", "y", "phi")}
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=["label", "pdgid.list.element"],
        column_encoding=split,
        data_page_size=2**24,
        write_statistics=False,
    )


def _record_batch(jets: Jets, schema: pa.Schema) -> pa.RecordBatch:
    offsets = pa.array(jets.offsets.astype(np.int32))
    lists = [pa.ListArray.from_arrays(offsets, pa.array(getattr(jets, name))) for name in PARTICLE_COLUMNS]
    return pa.RecordBatch.from_arrays([pa.array(jets.label), *lists], schema=schema)


def _jets(batch: pa.RecordBatch) -> Jets:
    """Numpy views of a record batch, without a copy."""
    lists = {name: batch.column(name) for name in PARTICLE_COLUMNS}
    offsets = lists["pt"].offsets.to_numpy()
    flat = {name: column.values.to_numpy(zero_copy_only=True) for name, column in lists.items()}
    return Jets(batch.column("label").to_numpy(), offsets.astype(np.int64), **flat)
