"""The features of the R&D set as published: a frame of pandas in HDF5 with momenta and N-subjettiness of two jets.

Columns pxj1, pyj1, pzj1, mj1 (GeV), tau1j1, tau2j1, tau3j1, the same of j2, and label.

References
----------
G. Kasieczka, B. Nachman, D. Shih, doi:10.5281/zenodo.4536377.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.lhco.dijet import invariant_mass, lighter_first
from hepexp.data.datasets.lhco.info import LAYOUT, check
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import require
from hepexp.data.store.ragged import Ragged
from hepexp.data.tables.hdf5_files import Hdf5File
from hepexp.data.tables.source import Stored

ROWS_AT_ONCE = 50_000
OF_JET = ("px{}", "py{}", "pz{}", "m{}", "tau1{}", "tau2{}")
NEEDED = tuple(name.format(jet) for jet in ("j1", "j2") for name in OF_JET)
LABEL = "label"


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked events of a file, tens of thousands at a time.

    Parameters
    ----------
    needs_label : refuse a file without labels; otherwise its events have no label.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    file = Hdf5File(path)
    stored = file.contents().stored
    known = [name for array, one in stored.items() for name in _names(array, one)]
    require(path, "column", [*NEEDED, *([LABEL] if needs_label else [])], known)
    for first, parts in file.batches(list(stored), ROWS_AT_ONCE):
        columns = {name: v for array, one in stored.items() for name, v in _columns(array, one, parts[array].values)}
        n = len(columns[NEEDED[0]])
        label = columns.get(LABEL)
        yield checked(check, LAYOUT, path, first, label, np.zeros(n + 1, np.int64), {}, dijets(columns))


def dijets(columns: Mapping[str, NDArray]) -> dict[str, NDArray[np.float64]]:
    """The columns of the data set (n,) of the published ones (n,); masses in GeV, tau21 of a jet without tau1 is 0."""
    px, py, pz, mass, tau1, tau2 = (
        np.stack([columns[name.format(jet)].astype(np.float64) for jet in ("j1", "j2")], 1) for name in OF_JET
    )
    energy = np.sqrt(px**2 + py**2 + pz**2 + mass**2)
    mjj = invariant_mass(np.stack([energy, px, py, pz], -1).sum(1))
    tau21 = np.divide(tau2, tau1, out=np.zeros_like(tau1), where=tau1 != 0)
    return lighter_first(mjj, mass, tau21)


def _names(array: str, stored: Stored) -> list[str]:
    """The columns that an array holds: of a block, of a table of blocks, or itself."""
    if stored.names:
        return list(stored.names)
    if stored.dtype.names is None:
        return [array]
    return [name for field in stored.dtype.names for name in stored.blocks.get(field, (field,))]


def _columns(array: str, stored: Stored, values: NDArray) -> Iterator[tuple[str, NDArray]]:
    if stored.names:
        yield from zip(stored.names, values.T, strict=True)
    elif stored.dtype.names is None:
        yield array, values
    else:
        for field in stored.dtype.names:
            if field in stored.blocks:
                yield from zip(stored.blocks[field], values[field].T, strict=True)
            else:
                yield field, values[field]
