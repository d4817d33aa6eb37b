"""Ragged examples in Arrow: one row per example, its elements as lists. Parquet is small, Arrow IPC memory-mapped."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hepexp.atomic import atomic
from hepexp.data.store.check import refuse_rows
from hepexp.data.store.integrity import CHECKSUM_KIND, Digest
from hepexp.data.store.ragged import NO_LABEL, Layout, Ragged
from hepexp.errors import DataError

_METADATA_KEY = b"hepexp"
_PROMISE_KEY = b"hepexp.checksum"  # in the schema, before the values: the kind of checksum that follows them
_CHECKSUM_KEY = b"hepexp.sha256"
_YIELDS_KEY = b"hepexp.yields"
_KINDS = {"command": str, "versions": dict, "originals": list, "yields": dict}  # of metadata that are read


@dataclass(frozen=True)
class Contents:
    """The contents of a file.

    Parameters
    ----------
    chunks : the record batches, as views of the mapping if there is one.
    metadata : how the examples were made.
    mapping : memory mapping of the file, for Arrow IPC.
    raw_metadata : the metadata as stored in the file.
    checksum : of the values, as recorded when they were written; empty if it was lost, None in files written by an
        older hepexp, which recorded none.
    """

    chunks: list[Ragged]
    metadata: dict
    mapping: mmap.mmap | None
    raw_metadata: bytes
    checksum: str | None

    def is_intact(self, layout: Layout) -> bool:
        """Whether the values are those that were written; True if no checksum was recorded."""
        if self.checksum is None:
            return True
        digest = Digest(layout, self.raw_metadata)
        for chunk in self.chunks:
            digest.update(chunk)
            if self.mapping is not None:
                self.mapping.madvise(mmap.MADV_DONTNEED)  # read once, in a stream
        return digest.hexdigest() == self.checksum


def schema_of(layout: Layout, labelled: bool = True) -> pa.Schema:
    """The columns of a file of examples, with or without labels."""
    extras = [(name, pa.from_numpy_dtype(kind)) for name, kind in layout.extras.items()]
    lists = [(name, pa.list_(pa.from_numpy_dtype(kind))) for name, kind in _lists(layout).items()]
    return pa.schema([*([("label", pa.int8())] if labelled else []), *extras, *lists])


def _lists(layout: Layout) -> dict[str, type]:
    """Types of the columns of lists: those of elements, then those of edges."""
    return {**layout.elements, **{stored: layout.edges[name] for stored, name in layout.edge_names.items()}}


def write(
    path: Path, layout: Layout, parts: Iterable[Ragged], metadata: dict, yields: Mapping[str, int] | None = None
) -> None:
    """Write examples to path (`.parquet` or `.arrow`) in a stream; the file appears only when it is complete.

    Parameters
    ----------
    path : file to write.
    layout : of the examples.
    parts : examples, in order; each part becomes one record batch.
    metadata : how they were made, any JSON; stored in the schema.
    yields : numbers of examples before and after each selection, known when all have been written; read back under
        `yields` of the metadata.
    """
    about = json.dumps(metadata).encode()
    schema = schema_of(layout).with_metadata({_METADATA_KEY: about, _PROMISE_KEY: CHECKSUM_KIND})
    digest = Digest(layout, about)
    with atomic(path) as draft, _writer(path.suffix, draft, layout, schema) as writer:
        for part in parts:
            writer.write_batch(_record_batch(part, layout, schema))
            digest.update(part)
        checksum = {_CHECKSUM_KEY: digest.hexdigest().encode()}
        checksum |= {_YIELDS_KEY: json.dumps(yields).encode()} if yields else {}
        if path.suffix == ".arrow":  # known only now, so it is attached to an empty batch
            writer.write_batch(_record_batch(layout.empty(), layout, schema), custom_metadata=checksum)
        else:
            writer.add_key_value_metadata(checksum)


def read(path: Path, layout: Layout, needs_label: bool = True, every_list: bool = False) -> Contents:
    """Read a file of examples, without verifying its checksum, which would require reading the whole file.

    Parameters
    ----------
    needs_label : refuse a file without labels; otherwise its examples are of unknown class.
    every_list : refuse a file in which the lists of an example have different lengths, which means reading all of them;
        otherwise the lengths of the first column are trusted.

    Raises
    ------
    DataError : the file is missing, is not of the format that its name implies, or has other columns; names the first
        damaged row.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    mapping, good = None, 0
    footer: dict[bytes, bytes] = {}
    try:
        if path.suffix == ".arrow":
            with path.open("rb") as file:
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapping)))
            batches, schema = [], reader.schema
            for i in range(reader.num_record_batches):
                batch, custom = reader.get_batch_with_custom_metadata(i)
                batch.validate()  # Arrow trusts the header of a file, and would read beyond its end
                footer |= dict(custom or {})
                if batch.num_rows:
                    batches.append(batch)
                good += batch.num_rows
        else:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                footer = file.metadata.metadata or {}
                table = file.read()
            batches, schema = table.combine_chunks().to_batches(), table.schema
        labelled = needs_label or "label" in schema.names
        if schema.equals(schema_of(layout, labelled)):
            raw = (schema.metadata or {}).get(_METADATA_KEY, b"{}")
            if every_list:
                _refuse_uneven(path, batches, layout)
            chunks = [_ragged(batch, layout) for batch in batches]
            about = _about(raw)
            about |= {"yields": json.loads(footer[_YIELDS_KEY])} if _YIELDS_KEY in footer else {}
            return Contents(chunks, about, mapping, raw, _checksum(schema.metadata or {}, footer))
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        where = f"from row {good} on: " if path.suffix == ".arrow" else ""
        raise DataError(
            f"{path}: not a complete {path.suffix[1:]} file: {where}{reason}; remove it and make it again"
        ) from None
    found, expected = ", ".join(schema.names), ", ".join(layout.names)
    raise DataError(f"{path}: has columns {found}; expected those of the store: {expected}")


def _about(raw: bytes) -> dict:
    """The metadata as stored; ValueError if they are of another kind than those that `write` is given."""
    about = json.loads(raw)
    if not isinstance(about, dict):
        raise ValueError(f"its metadata are no JSON object but {about!r:.50}")
    for key, kind in _KINDS.items():
        if not isinstance(about.get(key, kind()), kind):
            raise ValueError(f"its metadata have {key} = {about[key]!r:.50}; expected {kind.__name__}")
    return about


def _refuse_uneven(path: Path, batches: list[pa.RecordBatch], layout: Layout) -> None:
    first_row, alike = 0, [names for names in (layout.elements, layout.edge_names) if names]
    for batch in batches:
        for first, *others in alike:
            lengths = {name: np.diff(batch.column(name).offsets.to_numpy()) for name in (first, *others)}
            for name in others:
                differs = lengths[name] != lengths[first]
                refuse_rows(path, first_row, differs, f"has lists of different lengths in {first} and {name}")
        first_row += batch.num_rows


def _checksum(schema: dict[bytes, bytes], footer: dict[bytes, bytes]) -> str | None:
    """The recorded checksum; empty if the schema announces one that is missing."""
    recorded = footer.get(_CHECKSUM_KEY, b"")
    return recorded.decode("ascii", "replace") if recorded or _PROMISE_KEY in schema else None


def is_by_others(path: Path, layout: Layout) -> bool:
    """Whether a file can be read, but does not have exactly the columns and types in which the store writes examples.

    Where only the label is absent, it may be a file of the store.
    """
    try:
        schema = _schema(path)
    except (pa.ArrowException, OSError, ValueError):
        return False
    return not any(schema.equals(schema_of(layout, labelled)) for labelled in (True, False))


def column_names(path: Path) -> list[str] | None:
    """Names of the columns of a file; None if it cannot be read."""
    try:
        return _schema(path).names
    except (pa.ArrowException, OSError):
        return None


def _schema(path: Path) -> pa.Schema:
    if path.suffix == ".parquet":
        return pq.read_schema(path)
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
        return reader.schema


def _writer(
    suffix: str, path: Path, layout: Layout, schema: pa.Schema
) -> pa.ipc.RecordBatchFileWriter | pq.ParquetWriter:
    if suffix == ".arrow":
        return pa.ipc.new_file(str(path), schema)
    columns = {"label": np.int8, **layout.extras, **{f"{n}.list.element": kind for n, kind in _lists(layout).items()}}
    encoding = {}
    for name, kind in columns.items():
        if np.issubdtype(kind, np.floating):
            # Rounded floats compress well once bytes of the same significance are adjacent.
            encoding[name] = "BYTE_STREAM_SPLIT"
        elif np.issubdtype(kind, np.unsignedinteger):
            encoding[name] = "DELTA_BINARY_PACKED"  # pixel positions are in ascending order
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in columns if name not in encoding],
        column_encoding=encoding or None,
        data_page_size=2**24,
        write_statistics=False,
        write_page_checksum=True,
    )


def _record_batch(part: Ragged, layout: Layout, schema: pa.Schema) -> pa.RecordBatch:
    extras = [pa.array(part.extras[name]) for name in layout.extras]
    lists = _list_arrays(part, layout.elements) + (_list_arrays(part.given_edges, layout.edges) if layout.edges else [])
    return pa.RecordBatch.from_arrays([pa.array(part.label), *extras, *lists], schema=schema)


def _list_arrays(part: Ragged, names: Iterable[str]) -> list[pa.ListArray]:
    offsets = pa.array(part.offsets.astype(np.int32))
    return [pa.ListArray.from_arrays(offsets, pa.array(part.elements[name])) for name in names]


def _ragged(batch: pa.RecordBatch, layout: Layout) -> Ragged:
    """Numpy views of a record batch, without a copy."""
    unknown = np.full(batch.num_rows, NO_LABEL, np.int8)
    label = batch.column("label").to_numpy() if "label" in batch.schema.names else unknown
    examples = _of_lists(label, {name: batch.column(name) for name in layout.elements})
    examples.extras = {name: batch.column(name).to_numpy() for name in layout.extras}
    if layout.edges:
        examples.edges = _of_lists(label, {name: batch.column(stored) for stored, name in layout.edge_names.items()})
    return examples


def _of_lists(label: NDArray[np.int8], lists: Mapping[str, pa.ListArray]) -> Ragged:
    nothing = np.zeros(len(label) + 1, np.int64)  # of examples that have only values of their own
    return Ragged(
        label=label,
        offsets=next((column.offsets.to_numpy() for column in lists.values()), nothing),
        elements={name: column.values.to_numpy(zero_copy_only=True) for name, column in lists.items()},
    )
