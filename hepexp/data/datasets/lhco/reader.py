"""CATHODE's format: .npy with rows (mjj, m_min, dm, tau21 of the lighter and of the heavier jet, label), in TeV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hepexp.data.datasets.lhco.info import COLUMNS, LAYOUT, check
from hepexp.data.formats.checked import checked
from hepexp.data.store.limits import MASS
from hepexp.data.store.ragged import Ragged
from hepexp.data.tables.numpy_files import ALONE, NumpyFile
from hepexp.errors import DataError

ROWS_AT_ONCE = 50_000
_GEV = 1000.0  # per TeV


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked events of a file, with masses in GeV, tens of thousands at a time.

    Parameters
    ----------
    needs_label : refuse a file without the last column; otherwise its events have no label.

    Raises
    ------
    DataError : names the file and the row, and says what was expected.
    """
    file, names = NumpyFile(path, archive=False), (*COLUMNS, "label")
    contents = file.contents()
    stored = contents.stored.get(ALONE)
    widths = (len(names),) if needs_label else (len(names), len(COLUMNS))
    shape = stored.shape if stored else ()
    if len(shape) != 1 or shape[0] not in widths:
        found = contents.refused.get(ALONE) or f"rows of shape {shape}"
        raise DataError(f"{path}: holds {found}, expected rows of {', '.join(names)}")
    for start, columns in file.batches([ALONE], ROWS_AT_ONCE):
        rows = columns[ALONE].values.astype(np.float64)
        extras = {name: rows[:, i] * (_GEV if COLUMNS[name] is MASS else 1) for i, name in enumerate(COLUMNS)}
        label = rows[:, -1] if rows.shape[1] == len(names) else None
        yield checked(check, LAYOUT, path, start, label, np.zeros(len(rows) + 1, np.int64), {}, extras)
