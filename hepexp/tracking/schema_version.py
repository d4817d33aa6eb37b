"""Whether the tracking store matches the installed MLflow, read without MLflow, which takes seconds to import."""

from __future__ import annotations

import re
import shlex
import sqlite3
from contextlib import closing
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from hepexp.errors import HepexpError
from hepexp.tracking.lookup import database, sqlite_address

MIGRATIONS = "store/db_migrations/versions"  # in the package of MLflow: one file <revision>_<what>.py each
BEFORE = re.compile(r"""^down_revision\b.*?["'](\w+)["']""", re.MULTILINE)


def check() -> None:
    """Refuse a store that another version of MLflow made.

    MLflow itself would upgrade some older stores when it opens them, unasked, and two processes doing so would get in
    each other's way; others who share the store may still use the older version.

    Raises
    ------
    HepexpError : the store is older or newer; the message says what to do.
    """
    if advice := problem():
        raise HepexpError(f"the MLflow store {database()} {advice}")


def problem() -> str | None:
    """What is wrong with the version of the store, and what to do, after `the MLflow store FILE`; None if it fits."""
    revision = _revision()
    if revision is None or revision == _newest():
        return None
    if revision not in _migrations():
        return (
            f"was made by a newer version of MLflow than {version('mlflow')}, which is installed; install that "
            "version, or give this run a store of its own by $HEPEXP_RUNS_DIR"
        )
    address = shlex.quote(sqlite_address(database()))
    return f"was made by an older version of MLflow; back it up, then run `mlflow db upgrade {address}`"


def _revision() -> str | None:
    """The schema version of the store; None if it has no tables yet, or is not a database."""
    try:
        with closing(sqlite3.connect(f"{database().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else row[0]


@cache
def _migrations() -> dict[str, str | None]:
    """Each revision that the installed MLflow knows, and the one before it."""
    mlflow = find_spec("mlflow")
    assert mlflow is not None, "hepexp requires it"
    assert mlflow.origin is not None
    folder = Path(mlflow.origin).parent / MIGRATIONS
    files = {file.stem.partition("_")[0]: file for file in folder.glob("[0-9a-f]*_*.py")}
    found = {revision: BEFORE.search(file.read_text(encoding="utf-8")) for revision, file in files.items()}
    return {revision: match and match[1] for revision, match in found.items()}


def _newest() -> str:
    known = _migrations()
    return next(revision for revision in known if revision not in known.values())
