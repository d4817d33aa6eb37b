"""The MLflow tracking store: one SQLite file that many processes may write to.

SQLite's write-ahead log is not switched on: it needs memory that all writers share, and jobs of a cluster that write
to one store from several hosts over a network file system would corrupt it. With one short write an epoch, waiting for
the lock is enough.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock, Timeout

from hepexp.config.paths import runs_dir
from hepexp.errors import HepexpError
from hepexp.tracking import schema_version
from hepexp.tracking.lookup import database

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger("hepexp")
T = TypeVar("T")


def uri() -> str:
    """The tracking URI of this project's store, as `mlflow ui --backend-store-uri` takes it."""
    return f"sqlite:///{database()}"


def artifacts() -> Path:
    """The folder of all artifacts, runs/mlartifacts, absolute."""
    return runs_dir().resolve() / "mlartifacts"


def connect(timeout: float = 60.0) -> MlflowClient:
    """A client of the store, which is created when it does not exist.

    Parameters
    ----------
    timeout : seconds to wait for another process that creates or locks the store.

    Raises
    ------
    HepexpError : the store is locked, cannot be written, or was made by another version of MLflow.
    """
    try:
        database().parent.mkdir(parents=True, exist_ok=True)
        if not database().is_file():
            _create(timeout)
    except OSError as error:
        raise HepexpError(f"cannot make the MLflow store {database()}: {error.strerror}") from error
    return insist(lambda: _open(database()), timeout)


def is_free() -> bool:
    """Whether the store can be written to just now."""
    return _why_not_free() is None


def wait_until_free(timeout: float) -> None:
    """Return as soon as no other process holds the store.

    Raises
    ------
    HepexpError : it stayed locked for `timeout` seconds, or cannot be written at all.
    """
    start, pause, told = time.monotonic(), 0.05, False
    while (why := _why_not_free()) is not None:
        if "locked" not in why and "busy" not in why:
            raise HepexpError(f"the MLflow store {database()} cannot be written: {why}")
        waited = time.monotonic() - start
        if waited >= timeout:
            raise HepexpError(
                f"the MLflow store {database()} is locked by another process for {waited:.0f} s; end that process "
                "(`fuser` on this file names it) and try again, or give this run its own store by $HEPEXP_RUNS_DIR"
            )
        if waited > 2 and not told:
            log.warning("waiting for the MLflow store %s: another process has locked it", database())
            told = True
        time.sleep(min(pause, timeout - waited))
        pause = min(2 * pause, 1.0)


def insist(action: Callable[[], T], timeout: float) -> T:
    """Do `action` on the store, again and again while another process locks it, for `timeout` seconds."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    deadline = time.monotonic() + timeout
    while True:
        wait_until_free(max(0.0, deadline - time.monotonic()))
        try:
            return action()
        except (MlflowException, SQLAlchemyError, OSError) as error:
            locked = "database is locked" in str(error)
            if locked and time.monotonic() < deadline:
                continue
            if "out-of-date database schema" in str(error):
                message = schema_version.advice()
            else:
                message = f"refused: {str(error).splitlines()[0]}"
            raise HepexpError(f"the MLflow store {database()} {message}") from error


def _why_not_free() -> str | None:
    """None when a write transaction can begin, else SQLite's reason. Costs 0.2 ms and changes nothing."""
    try:
        with closing(sqlite3.connect(database(), timeout=0.05, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return str(error)
    return None


def _create(timeout: float) -> None:
    """Make the store under another name and rename it when it is complete, so that who sees it can use it."""
    lock = FileLock(f"{database()}.lock", timeout=timeout)
    try:
        with lock:
            if database().is_file():
                return  # another process was first
            for left in database().parent.glob("mlflow.db.new*"):
                left.unlink()  # of a process that was interrupted here
            new = database().with_name("mlflow.db.new")
            _open(new)
            os.replace(new, database())
        Path(lock.lock_file).unlink(missing_ok=True)  # who still waits for it finds the store complete
    except Timeout:
        raise HepexpError(
            f"another process has been creating the MLflow store {database()} for {timeout:.0f} s; end it and try again"
        ) from None


def _open(file: Path) -> MlflowClient:
    # Nothing goes to the network, and the schema's history is nothing that a physicist asked for.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = MlflowClient(f"sqlite:///{file}")
    client.search_experiments(max_results=1)  # MLflow opens the store, and makes its tables, at the first question
    return client
