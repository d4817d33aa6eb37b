"""Write examples of a store to a file, in the format given by its extension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hepexp.data import arrow_file
from hepexp.data.collection import Collection
from hepexp.data.layouts import QG
from hepexp.data.ragged import Ragged, regroup
from hepexp.data.store import Store
from hepexp.errors import ConfigError

_ROWS_AT_ONCE = 2000


def write_rows(store: Store, rows: Sequence[int] | np.ndarray, path: Path) -> None:
    """Write these rows, in this order and in a stream, to a `.parquet`, `.arrow` or `.npz` file (EnergyFlow's format).

    Raises
    ------
    ConfigError : the name ends in none of these, or the format cannot hold the examples.
    """
    rows = np.asarray(rows, np.int64)
    if path.suffix == ".npz":
        if store.layout != QG:
            raise ConfigError(f"{path}: .npz holds particles as (pt, y, phi, pdgid), which only qg has; use .parquet")
        from hepexp.data.formats import energyflow

        energyflow.write(path, _parts(store, rows), len(rows), int(store.counts[rows].max(initial=0)))
    elif path.suffix in (".parquet", ".arrow"):
        about = store.metadata[0] if store.metadata else {}
        arrow_file.write(path, store.layout, regroup(_parts(store, rows)), about)
    else:
        raise ConfigError(f"{path}: cannot write '{path.suffix}' files; expected .npz, .parquet or .arrow")


def write_file(collection: Collection, source: Path, target: Path) -> Path:
    """Convert one file of a data set, in any known format, in a stream.

    Raises
    ------
    DataError : the file cannot be read.
    ConfigError : as in `write_rows`.
    """
    if target.suffix in (".parquet", ".arrow") and not collection.is_store(source):
        arrow_file.write(target, collection.layout, regroup(collection.read(source)), {"source": source.name})
    else:
        store = collection.open_file(source)
        write_rows(store, range(len(store)), target)
    return target


def _parts(store: Store, rows: np.ndarray) -> Iterator[Ragged]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield store.take(rows[start : start + _ROWS_AT_ONCE])
