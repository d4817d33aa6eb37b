"""Write jets of a store to a file, in the format that its name asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hepexp.data import arrow_file, energyflow
from hepexp.data.jets import Jets
from hepexp.data.store import JetStore
from hepexp.errors import ConfigError


def write_rows(store: JetStore, rows: Sequence[int] | np.ndarray, path: Path) -> None:
    """Write these rows, in this order and in a stream, to path: `.npz` (published format), `.parquet` or `.arrow`.

    Raises
    ------
    ConfigError : the name ends in none of these.
    """
    rows = np.asarray(rows, np.int64)
    if path.suffix == ".npz":
        width = int(store.counts[rows].max(initial=0))
        energyflow.write(path, _parts(store, rows, energyflow.ROWS_AT_ONCE), len(rows), width)
    elif path.suffix in (".parquet", ".arrow"):
        about = store.metadata[0] if store.metadata else {}
        arrow_file.write(path, _parts(store, rows, arrow_file.ROWS_A_BATCH), about)
    else:
        raise ConfigError(f"{path}: cannot write '{path.suffix}'; expected .npz, .parquet or .arrow")


def _parts(store: JetStore, rows: np.ndarray, size: int) -> Iterator[Jets]:
    for start in range(0, len(rows), size):
        yield store.take(rows[start : start + size])
