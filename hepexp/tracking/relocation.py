"""A runs folder that was moved or copied: MLflow keeps absolute paths, which must point to where the folder is now.

The store itself says where it was: hepexp makes it with `runs/mlartifacts/0` as the place of MLflow's experiment 0. The
process that opens it elsewhere rewrites the paths below the former place, and no others, in one transaction: SQLite's
lock admits one process.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from hepexp.tracking.artifacts import local_path

log = logging.getLogger("hepexp")
ARTIFACTS = "mlartifacts"  # beside the store
EXPERIMENTS = ("experiments", "artifact_location")  # where artifacts of new runs go
LAYOUT = (
    EXPERIMENTS,
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def rebase(store: Path) -> None:
    """Make the locations of artifacts in a store point to the folder beside it, if the store was elsewhere.

    A location is left as it is if it was not below the store's former place, or if its files are still there, and not
    here: then only the store was copied.

    Parameters
    ----------
    store : runs/mlflow.db, absolute.

    Raises
    ------
    sqlite3.Error : it is locked, cannot be written, or is not a database.
    """
    new = store.parent / ARTIFACTS
    with closing(_connection(store)) as connection:
        if (old := _former(connection, new)) is None:
            return

        def moved(location: str | None) -> str | None:
            return here(location, old, new)

        def found(location: str | None) -> str | None:
            now = here(location, old, new)
            return now if now is None or _exists(now) or not _exists(location) else location

        connection.create_function("moved", 1, moved)
        connection.create_function("found", 1, found)
        connection.execute("BEGIN IMMEDIATE")
        if _former(connection, new) is not None:  # no other process was faster
            for table, column in _columns(connection):
                change = "moved" if (table, column) == EXPERIMENTS else "found"
                connection.execute(
                    f"UPDATE {table} SET {column} = {change}({column}) WHERE {column} != moved({column})"
                )
            log.warning("the runs folder was at %s; its MLflow store now keeps artifacts in %s", old.parent, new)
        connection.execute("COMMIT")


def recorded(store: Path) -> Path:
    """The folder of all artifacts as the store names it: the same folder may also be seen under another mount point."""
    new = store.parent / ARTIFACTS
    with closing(_connection(store)) as connection:
        old = _place(connection)
    return old if old is not None and is_same(old.parent, store.parent) else new


def here(location: str | None, old: Path, new: Path) -> str | None:
    """A location below the former folder of artifacts as one below the present folder; others are unchanged."""
    if location is None or (path := _path(location)) is None or path == old or not path.is_relative_to(old):
        return location
    path = new / path.relative_to(old)
    return path.as_uri() if location.startswith("file:") else str(path)


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one folder, which exists."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def _connection(store: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{store.as_uri()}?mode=rw", uri=True, isolation_level=None)


def _former(connection: sqlite3.Connection, new: Path) -> Path | None:
    """The folder of artifacts when the store was elsewhere; None if it was not, or hepexp did not make it."""
    old = _place(connection)
    return None if old in (None, new) or is_same(old.parent, new.parent) else old


def _place(connection: sqlite3.Connection) -> Path | None:
    if EXPERIMENTS not in _columns(connection):
        return None
    row = connection.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 0").fetchone()
    path = _path(row[0]) if row else None
    return path.parent if path is not None and path.parts[-2:] == (ARTIFACTS, "0") else None


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return [(table, column) for table, column in LAYOUT if table in tables]


def _path(location: object) -> Path | None:
    """The folder that a location names; None if it names something else, such as a bucket."""
    if not isinstance(location, str) or not location.startswith(("file:", "/")):
        return None
    return local_path(location)


def _exists(location: str | None) -> bool:
    path = _path(location)
    return path is not None and os.path.exists(path)
