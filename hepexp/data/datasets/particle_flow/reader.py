"""One's own events: Parquet with a row for each event, and in each column a list with a number for each element."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.data.datasets.particle_flow.info import FEATURES, LAYOUT, TARGETS, check
from hepexp.data.formats import parquet
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import require
from hepexp.data.store.check import refuse_rows
from hepexp.data.store.ragged import Ragged, offsets_of

EVENTS_AT_ONCE = 200


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked events of a file, some at a time.

    Columns are those of the data set; `label` and `pileup` may be missing, and so may all of `edges.`.

    Parameters
    ----------
    needs_label : refuse a file without targets; otherwise the class of each particle is unknown (-1).

    Raises
    ------
    DataError : names the file and the column or event, and says what was expected.
    """
    with parquet.opened(path) as file:
        names, stored = file.schema_arrow.names, LAYOUT.edge_names
        has_targets = needs_label or all(name in names for name in TARGETS)
        has_edges = any(name in names for name in stored)
        elements = [*FEATURES, *(TARGETS if has_targets else ())]
        require(path, "column", [*elements, *(stored if has_edges else ())], names)
        wanted = [*elements, *(stored if has_edges else ()), *(["pileup"] if "pileup" in names else [])]
        for first, batch in parquet.batches(file, wanted, EVENTS_AT_ONCE):
            n = len(batch)
            offsets, columns = _lists(path, first, batch, elements)
            for name in TARGETS if not has_targets else ():
                columns[name] = np.full(int(offsets[-1]), -1.0 if name == "target_pid" else 0.0)
            edges = LAYOUT.of_edges().empty()
            edges = Ragged(np.zeros(n, np.int8), np.zeros(n + 1, np.int64), edges.elements)
            if has_edges:
                edge_offsets, found = _lists(path, first, batch, list(stored))
                edges = Ragged(edges.label, edge_offsets, {name: found[key] for key, name in stored.items()})
            pileup = parquet.flat(path, first, batch, "pileup", 0)[1] if "pileup" in wanted else np.zeros(n)
            label = np.zeros(n, np.int8)
            yield checked(check, LAYOUT, path, first, label, offsets, columns, {"pileup": pileup}, edges)


def _lists(path: Path, first: int, batch: pa.RecordBatch, names: list[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The offsets and values of columns of lists, which must be of one length in each row."""
    counts, columns = None, {}
    for name in names:
        (lengths,), columns[name] = parquet.flat(path, first, batch, name, 1)
        counts = lengths if counts is None else counts
        refuse_rows(path, first, lengths != counts, f"has lists of different lengths in {names[0]} and {name}")
    assert counts is not None
    return offsets_of(counts.astype(np.int64)), columns
