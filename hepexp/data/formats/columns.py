"""Parquet and Arrow files with the columns of a data set, written by pandas, pyarrow, Awkward and the like.

Lists and numbers may be of any type: list<double> where the store has list<float>. Columns may be in any order, and
others are ignored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.data.formats import parquet
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import damage_in, require
from hepexp.data.store.check import Check, refuse_rows
from hepexp.data.store.ragged import Layout, Ragged, offsets_of

EXAMPLES_AT_ONCE = 5000


def read(path: Path, layout: Layout, check: Check, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked examples of a file, a few thousand at a time.

    Parameters
    ----------
    layout, check : of the data set.
    needs_label : refuse a file without labels; otherwise its examples have none.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    with _batches(path, layout, needs_label) as batches:
        first = 0
        for batch in batches:
            yield _examples(path, first, batch, layout, check)
            first += len(batch)


@contextlib.contextmanager
def _batches(path: Path, layout: Layout, needs_label: bool) -> Iterator[Iterator[pa.RecordBatch]]:
    """The columns of the layout, and the label if there is one."""
    wanted = layout.names if needs_label else layout.names[1:]
    if path.suffix == ".parquet":
        with parquet.opened(path) as file:
            names = file.schema_arrow.names
            require(path, "column", wanted, names)
            chosen = [name for name in layout.names if name in names]
            yield (batch for _, batch in parquet.batches(file, chosen, EXAMPLES_AT_ONCE))
        return
    with damage_in(path, "Arrow file"), pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
        require(path, "column", wanted, reader.schema.names)
        yield (_valid(reader.get_batch(i)) for i in range(reader.num_record_batches))


def _valid(batch: pa.RecordBatch) -> pa.RecordBatch:
    batch.validate(full=True)  # Arrow trusts the header of a file, and would read beyond its end
    return batch


def _examples(path: Path, first: int, batch: pa.RecordBatch, layout: Layout, check: Check) -> Ragged:
    offsets, elements = _lists(path, first, batch, layout.elements)
    extras = {name: parquet.flat(path, first, batch, name, 0)[1] for name in layout.extras}
    label = parquet.flat(path, first, batch, "label", 0)[1] if "label" in batch.schema.names else None
    edges = None
    if layout.edges:
        edge_offsets, columns = _lists(path, first, batch, layout.edge_names)
        ends = {name: columns[stored] for stored, name in layout.edge_names.items()}
        edges = Ragged(np.zeros(len(batch), np.int8), edge_offsets, ends)
    return checked(check, layout, path, first, label, offsets, elements, extras, edges)


def _lists(
    path: Path, first: int, batch: pa.RecordBatch, names: Iterable[str]
) -> tuple[NDArray[np.int64], dict[str, NDArray]]:
    """The offsets and the values of columns that have lists of one length in each row."""
    lengths, columns = {}, {}
    for name in names:
        (lengths[name],), columns[name] = parquet.flat(path, first, batch, name, 1)
    leading, *others = columns
    for name in others:
        differs = lengths[name] != lengths[leading]
        refuse_rows(path, first, differs, f"has lists of different lengths in {leading} and {name}")
    return offsets_of(lengths[leading].astype(np.int64)), columns
