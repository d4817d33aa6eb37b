"""Tables of predictions in the format that the name of a file asks for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hepexp.atomic import atomic
from hepexp.errors import ConfigError
from hepexp.evaluation.predictions import write_predictions

SUFFIXES = (".parquet", ".h5", ".npz", ".root")
TREE = "predictions"


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table of numbers to a Parquet, HDF5 (one array per column), npz or ROOT file (tree `predictions`).

    Parameters
    ----------
    path : file to write; its suffix is one of SUFFIXES.
    table : a label that is not known is null, and -1 in formats other than Parquet. Lists, one value for each particle,
        can be written to Parquet and ROOT only.

    Raises
    ------
    ConfigError : lists in another format.
    """
    if path.suffix == ".parquet":
        write_predictions(path, table)
        return
    lists = [field.name for field in table.schema if pa.types.is_list(field.type)]
    if lists and path.suffix != ".root":
        raise ConfigError(f"--out: {lists[0]} is a list for each example; choose a .parquet or .root file, got {path}")
    columns = {name: _numbers(table[name]) for name in table.column_names}
    with atomic(path) as draft:
        if path.suffix == ".h5":
            import h5py

            with h5py.File(draft, "w") as file:
                for name, values in columns.items():
                    file[name.replace("/", "_")] = values  # a slash would make a group
        elif path.suffix == ".npz":
            np.savez(draft, **{name.replace("/", "_"): values for name, values in columns.items()})
        else:
            import uproot

            with uproot.recreate(draft) as file:
                branches = {_branch(name): values for name, values in columns.items()}
                file.mktree(TREE, {name: _type(values) for name, values in branches.items()})
                file[TREE].extend(branches)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_list(column.type):
        import awkward as ak

        counts = pc.list_value_length(column).to_numpy()
        return ak.unflatten(pc.list_flatten(column).to_numpy(), counts)
    return column.fill_null(-1).to_numpy() if column.null_count else column.to_numpy()


def _type(values) -> object:
    """The type of a branch: that of a column, or of the values of its lists."""
    return values.dtype if isinstance(values, np.ndarray) else f"var * {values.layout.content.dtype}"


def _branch(name: str) -> str:
    """A name that ROOT's own expressions can refer to."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)
