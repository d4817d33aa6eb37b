"""Tables of predictions in the format that the name of a file asks for, written by parts."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from hepexp.atomic import atomic, spool_of
from hepexp.evaluation.predictions import write_spooled
from hepexp.evaluation.spool import Spool, counts_of, dtype_of, number_array

SUFFIXES = (".parquet", ".h5", ".npz", ".root")
TREE = "predictions"


class TableFile:
    """A file to which rows are added, and that appears when it is finished, complete or not at all.

    Whether any label is known, and so whether there is a column of labels, shows only at the end: until then the rows
    are in a temporary file beside it, and the memory does not grow with them.

    Parameters
    ----------
    path : Parquet, HDF5 (one array per column), npz or ROOT file (tree `predictions`); its suffix is one of SUFFIXES.
        A label that is not known is null, and -1 in formats other than Parquet; where none is known there is no column.
        What is not known otherwise is null, NaN in formats other than Parquet, and -1 of integers, or their largest
        number if they have no sign. Of lists, such as one value for each particle, HDF5 and npz have all values in one
        array, and how many belong to each row in another, NAME_counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._spool = Spool(spool_of(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._spool.remove()

    def add(self, table: pa.Table, origin: str = "the table") -> None:
        """Append the rows of a table of numbers; `origin` is where they come from, for messages.

        Raises
        ------
        DataError : a column has another type than in the rows before.
        """
        self._spool.add(table, origin)

    def lacking(self) -> dict[str, list[str]]:
        """The columns that rows of an origin lack, by the origin; of those that do."""
        return self._spool.lacking()

    def finish(self) -> None:
        """Write the file."""
        self._spool.close()
        if self.path.suffix == ".parquet":
            write_spooled(self.path, self._spool)
            return
        with atomic(self.path) as draft:
            {".h5": _write_hdf5, ".npz": _write_npz, ".root": _write_root}[self.path.suffix](draft, self._spool)


def _write_hdf5(draft: Path, spool: Spool) -> None:
    import h5py

    with h5py.File(draft, "w") as file:
        for column in spool.flat():
            # a slash in a name would make a group
            array = file.create_dataset(column.name.replace("/", "_"), (column.n,), column.dtype)
            start = 0
            for values in column.chunks:
                array[start : start + len(values)] = values
                start += len(values)


def _write_npz(draft: Path, spool: Spool) -> None:
    with zipfile.ZipFile(draft, "w") as file:
        for column in spool.flat():
            kind = np.lib.format.dtype_to_descr(column.dtype)
            header = {"descr": kind, "fortran_order": False, "shape": (column.n,)}
            with file.open(f"{column.name.replace('/', '_')}.npy", "w", force_zip64=True) as array:
                np.lib.format.write_array_header_1_0(array, header)
                for values in column.chunks:
                    array.write(values.tobytes())


def _write_root(draft: Path, spool: Spool) -> None:
    import uproot

    with uproot.recreate(draft) as file:
        tree = file.mktree(TREE, {_branch(field.name): _branch_type(field.type) for field in spool.schema})
        for rows in spool.batches():
            if len(rows):
                tree.extend({_branch(name): _values(rows.column(name)) for name in spool.schema.names})


def _values(column: pa.Array) -> object:
    if not pa.types.is_list(column.type):
        return number_array(column)
    import awkward as ak

    return ak.unflatten(number_array(column.flatten()), counts_of(column))


def _branch_type(kind: pa.DataType) -> object:
    """The type of a branch: that of a column, or of the values of its lists."""
    return f"var * {dtype_of(kind.value_type)}" if pa.types.is_list(kind) else dtype_of(kind)


def _branch(name: str) -> str:
    """A name that ROOT's own expressions can refer to."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)
