"""A runs folder that was moved or copied: MLflow keeps absolute paths, which must point to where the folder is now.

The process that opens a store rewrites paths that point elsewhere, in one transaction: SQLite's lock admits one
process.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from hepexp.tracking.artifacts import local_path

log = logging.getLogger("hepexp")
ARTIFACTS = "mlartifacts"  # beside the store
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def rebase(store: Path) -> None:
    """Make the locations of all artifacts in a store point to the folder beside it.

    Parameters
    ----------
    store : runs/mlflow.db, absolute.

    Raises
    ------
    sqlite3.Error : it is locked, cannot be written, or is not a database.
    """
    root = store.parent / ARTIFACTS

    def moved(location: str | None) -> str | None:
        return here(location, root)

    with closing(sqlite3.connect(f"{store.as_uri()}?mode=rw", uri=True, isolation_level=None)) as connection:
        connection.create_function("moved", 1, moved, deterministic=True)
        if (old := _elsewhere(connection)) is None:
            return
        connection.execute("BEGIN IMMEDIATE")
        if _elsewhere(connection) is not None:  # no other process was faster
            for table, column in _columns(connection):
                connection.execute(f"UPDATE {table} SET {column} = moved({column}) WHERE {column} != moved({column})")
            log.warning("the runs folder was at %s; its MLflow store now keeps artifacts in %s", _runs(old), root)
        connection.execute("COMMIT")


def here(location: str | None, root: Path) -> str | None:
    """A location of hepexp's artifacts with everything up to `mlartifacts` replaced by `root`; others are unchanged."""
    before, found, rest = (location or "").rpartition(f"/{ARTIFACTS}/")
    if not found or not before.startswith(("file:", "/")):
        return location
    return f"{root.as_uri() if before.startswith('file:') else root}/{rest}"


def _elsewhere(connection: sqlite3.Connection) -> str | None:
    """A location that points elsewhere."""
    for table, column in _columns(connection):
        row = connection.execute(f"SELECT {column} FROM {table} WHERE {column} != moved({column}) LIMIT 1").fetchone()
        if row is not None:
            return row[0]
    return None


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return [(table, column) for table, column in COLUMNS if table in tables]


def _runs(location: str) -> Path:
    return local_path(location.rpartition(f"/{ARTIFACTS}/")[0])
