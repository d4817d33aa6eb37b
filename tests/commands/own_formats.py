"""The same events in four formats, under names of nobody's: what a physicist who comes with files of their own has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot
from numpy.typing import NDArray

from hepexp.data.store.ragged import pad

Columns = Mapping[str, NDArray]


def write(path: Path, counts: NDArray, lists: Columns, numbers: Columns) -> None:
    """Events in the layout that is usual for a suffix; of HDF5 structured arrays with a field `valid`.

    Parameters
    ----------
    counts : particles of each event (n,).
    lists, numbers : columns of particles (m,) and of events (n,).
    """
    if path.suffix == ".root":
        nested = {name: ak.unflatten(flat, counts) for name, flat in lists.items()}
        with uproot.recreate(path) as file:
            types = {name: ak.type(one).content for name, one in nested.items()}
            file.mktree("ntuple", types | {name: one.dtype for name, one in numbers.items()})
            file["ntuple"].extend({**nested, **numbers})
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            valid = np.ones(counts.sum(), bool)
            file["tracks"] = _structured({name: pad(flat, counts) for name, flat in {**lists, "valid": valid}.items()})
            file["jets"] = _structured(numbers)
    elif path.suffix == ".parquet":
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
        nested = {name: pa.ListArray.from_arrays(offsets, pa.array(flat)) for name, flat in lists.items()}
        pq.write_table(pa.table({**nested, **numbers}), path, row_group_size=40)
    else:
        np.savez(path, **{name: pad(flat, counts) for name, flat in lists.items()}, **numbers)


def _structured(columns: Columns) -> NDArray:
    first = next(iter(columns.values()))
    made = np.zeros(first.shape, [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        made[name] = column
    return made


def read(path: Path) -> dict[str, NDArray]:
    """The columns of a file that `hepexp predict` wrote."""
    if path.suffix == ".root":
        with uproot.open(path) as file:
            return file["predictions"].arrays(library="np")
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: file[name][()] for name in file}
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return {name: table[name].to_numpy() for name in table.column_names}
    with np.load(path) as file:
        return dict(file)
