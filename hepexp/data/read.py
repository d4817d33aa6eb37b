"""Open a file of jets in any format that is known, and say what file it is."""

from __future__ import annotations

from pathlib import Path

from hepexp.data import energyflow
from hepexp.data.check import check_jets
from hepexp.data.files import checksum
from hepexp.data.jets import Jets
from hepexp.data.store import JetStore
from hepexp.errors import DataError


def read_jets(path: Path) -> JetStore:
    """The jets of one file, every one of them checked.

    Parameters
    ----------
    path : the published format (`.npz` with X and y) or the store's (`.parquet`, `.arrow`).

    Raises
    ------
    DataError : the file is missing, of another format, damaged, or holds jets that are not physics.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return JetStore([Jets.concatenate(energyflow.read(path))], [path], [{"source": path.name}])
    if path.suffix not in (".parquet", ".arrow"):
        raise DataError(f"{path}: unknown format '{path.suffix}'; expected .npz with X and y, .parquet or .arrow")
    store = JetStore.open(path)
    for chunk, first in zip(store.chunks, store.bounds, strict=False):
        check_jets(chunk, str(path), int(first))
    return store


def describe_file(path: Path) -> dict[str, str | int]:
    """Name, size in bytes and sha256 of a file, for the record of a run."""
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": checksum(path)}
