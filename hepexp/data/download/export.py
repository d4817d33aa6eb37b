"""Write examples of a store to a file, in the format given by its extension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import Ragged, regroup
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError

_ROWS_AT_ONCE = 2000


def export_rows(info: DatasetInfo, store: Store, rows: Sequence[int] | np.ndarray, path: Path) -> None:
    """Write these rows of a data set, in this order and in a stream, in the format that the file's name ends in.

    Raises
    ------
    ConfigError : it is neither the store's, `.parquet` or `.arrow`, nor a published format that can be written.
    """
    rows = np.asarray(rows, np.int64)
    if path.suffix in (".parquet", ".arrow"):
        about = store.metadata[0] if store.metadata else {}
        arrow_file.write(path, store.layout, regroup(_parts(store, rows)), about)
    elif path.suffix in info.writers:
        module, _, function = info.writers[path.suffix].partition(":")
        write = getattr(import_module(module), function)
        write(path, _parts(store, rows), len(rows), int(store.counts[rows].max(initial=0)))
    else:
        expected = ", ".join((*info.writers, ".parquet"))
        raise ConfigError(f"{path}: cannot write '{path.suffix}' files of {info.name}; expected {expected} or .arrow")


def _parts(store: Store, rows: np.ndarray) -> Iterator[Ragged]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield store.take(rows[start : start + _ROWS_AT_ONCE])
