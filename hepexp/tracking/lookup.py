"""The file of the MLflow store, and which folder belongs to which run in it.

Read straight from the tags in the SQLite store: importing MLflow for that would cost a second.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from hepexp.config.paths import runs_dir
from hepexp.errors import HepexpError

SPECIAL = set("?#%")  # begin a query, a fragment, and a quoted character in an address
_VERSIONS = "FROM model_versions WHERE name = ? AND current_stage <> 'Deleted_Internal'"
FOLDER_TAG = "folder"  # the tag of an MLflow run that holds `label(folder)`


def database() -> Path:
    """The SQLite file of the tracking store, runs/mlflow.db, absolute."""
    return runs_dir().resolve() / "mlflow.db"


def sqlite_address(file: Path) -> str:
    """`sqlite:///FILE`, quoted where the path needs it: the address of a file for SQLAlchemy.

    Parameters
    ----------
    file : absolute.
    """
    if not SPECIAL & set(str(file)):
        return f"sqlite:///{file}"
    # The slashes, too: MLflow makes the folder of the file without unquoting it, and would leave an odd one behind.
    return f"sqlite:///{quote(str(file), safe='')}"


def label(folder: Path) -> str:
    """The name of a run folder in the store: relative to runs/ if it is in there, so that runs/ can be moved."""
    folder, root = folder.resolve(), runs_dir().resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.as_posix()


def folder_of(run_id: str) -> Path | None:
    """The folder of an MLflow run (it may have been deleted since); None when the store does not have the run."""
    found = _select("SELECT value FROM tags WHERE key = ? AND run_uuid = ?", (FOLDER_TAG, run_id))
    return runs_dir().resolve() / found if found is not None else None


def run_of_version(name: str, version: str) -> str | None:
    """The MLflow run that a registered model's version came from; `latest` is the newest. None if there is none."""
    if version == "latest":
        return _select(f"SELECT run_id {_VERSIONS} ORDER BY version DESC", (name,))
    return _select(f"SELECT run_id {_VERSIONS} AND version = ?", (name, version))


def run_of_alias(name: str, alias: str) -> str | None:
    """The MLflow run of the version that an alias of a registered model stands for, or None."""
    return _select(
        "SELECT run_id FROM registered_model_aliases JOIN model_versions USING (name, version) WHERE name = ? "
        "AND alias = ?",
        (name, alias),
    )


def registered_models() -> list[str]:
    """The names of the registered models."""
    return [row[0] for row in _rows("SELECT name FROM registered_models ORDER BY name", ())]


def versions_of(name: str) -> list[str]:
    """The aliases and versions of a registered model, as `@ALIAS` and `/VERSION`; empty if there is no such model."""
    aliases = _rows("SELECT alias FROM registered_model_aliases WHERE name = ? ORDER BY alias", (name,))
    versions = _rows(f"SELECT version {_VERSIONS} ORDER BY version", (name,))
    return [*(f"@{row[0]}" for row in aliases), *(f"/{row[0]}" for row in versions)]


def run_id_of(folder: Path) -> str | None:
    """The newest MLflow run that wrote to a folder and was not deleted in MLflow, or None."""
    return _of_newest("run_uuid", folder)


def status_of(folder: Path) -> str | None:
    """FINISHED, FAILED, KILLED or RUNNING, of that run, or None."""
    return _of_newest("status", folder)


def tags_of_running(folder: Path) -> dict[str, str]:
    """The tags of that run while it is RUNNING; otherwise none."""
    run_id = run_id_of(folder) if status_of(folder) == "RUNNING" else None
    return dict(_rows("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,))) if run_id else {}


def parameter_of(folder: Path, key: str) -> str | None:
    """A parameter of that run as MLflow has it, or None."""
    run_id = run_id_of(folder)
    return run_id and _select("SELECT value FROM params WHERE run_uuid = ? AND key = ?", (run_id, key))


def _of_newest(column: str, folder: Path) -> str | None:
    return _select(
        f"SELECT {column} FROM tags JOIN runs USING (run_uuid) WHERE key = ? AND value = ? "
        "AND lifecycle_stage = 'active' ORDER BY start_time DESC",
        (FOLDER_TAG, label(folder)),
    )


def _select(query: str, values: tuple[str, ...]) -> str | None:
    rows = _rows(query, values)
    return rows[0][0] if rows else None


def _rows(query: str, values: tuple[str, ...]) -> list[tuple]:
    if not database().is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{database().as_uri()}?mode=ro", uri=True, timeout=5.0)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise HepexpError(
            f"cannot read the MLflow store {database()}: {error}; close what uses it and try again"
        ) from error
