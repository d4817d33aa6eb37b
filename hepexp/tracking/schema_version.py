"""Whether the tracking store fits the MLflow that is installed, read without MLflow, which takes seconds to import."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from hepexp.tracking.lookup import database

MIGRATIONS = "store/db_migrations/versions"  # in the package of MLflow: one file <revision>_<what>.py each


def is_newer() -> bool:
    """Whether a newer MLflow made the store: its revision is none that the installed one knows."""
    try:
        with closing(sqlite3.connect(f"{database().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return False
    known = Path(find_spec("mlflow").origin).parent / MIGRATIONS
    return row is not None and not any(known.glob(f"{row[0]}_*.py"))


def advice() -> str:
    """What to do with a store that the installed MLflow refuses: continues `the MLflow store FILE`."""
    if is_newer():
        return (
            f"was made by a newer version of MLflow than {version('mlflow')}, which is installed; install that "
            "version, or give this run a store of its own by $HEPEXP_RUNS_DIR"
        )
    return f"was made by an older version of MLflow; back it up, then run `mlflow db upgrade sqlite:///{database()}`"
