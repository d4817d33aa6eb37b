"""The Parquet version of JetClass: one row per jet, with particles as lists of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hepexp.data.datasets.jetclass.columns import jets, wanted
from hepexp.data.formats import parquet
from hepexp.data.store.ragged import Ragged

JETS_AT_ONCE = 2000  # 5 MB of 40 particles each


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time; units are those of the layout JETCLASS.

    Parameters
    ----------
    needs_label : refuse a file without labels; otherwise its jets have none.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    with parquet.opened(path) as file:
        of_particles, of_jets = wanted(path, file.schema_arrow.names, needs_label)
        for first, batch in parquet.batches(file, [*of_particles, *of_jets], JETS_AT_ONCE):
            lengths, columns = {}, {}
            for name in of_particles:
                (lengths[name],), columns[name] = parquet.flat(path, first, batch, name, 1)
            for name in of_jets:
                _, columns[name] = parquet.flat(path, first, batch, name, 0)
            yield jets(columns, lengths, len(batch), path, first)
