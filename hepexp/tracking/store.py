"""The MLflow tracking store: one SQLite file to which many processes may write.

SQLite's write-ahead log is not switched on: it needs memory that all writers share, and jobs of a cluster that write
to one store from several hosts over a network file system would corrupt it. With one short write an epoch, waiting for
the lock is enough.
"""

from __future__ import annotations

import logging
import os
import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock, Timeout

from hepexp.errors import HepexpError
from hepexp.tracking import relocation, schema_version, write_guard
from hepexp.tracking.lookup import database, sqlite_address

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger("hepexp")
T = TypeVar("T")
# What MLflow and its databases say when another process was faster.
RACED = re.compile("unique constraint|duplicate (key|entry)|already exists|model version creation error", re.IGNORECASE)
RACES = 8  # races that one call may lose in a row


def uri() -> str:
    """The tracking URI of this project's store, as `mlflow ui --backend-store-uri` takes it."""
    return sqlite_address(database())


def artifacts() -> Path:
    """The folder of all artifacts, runs/mlartifacts, absolute."""
    return database().parent / relocation.ARTIFACTS


def connect(timeout: float = 60.0) -> MlflowClient:
    """A client of the store, which is created when it does not exist.

    Parameters
    ----------
    timeout : seconds to wait for another process that creates or locks the store.

    Raises
    ------
    HepexpError : the store is locked, cannot be written, was made by another version of MLflow, or is a link that leads
        out of runs/.
    """
    write_guard.refuse_way_out(database())
    if not _is_made():
        _create(timeout)
    schema_version.check()

    def opened() -> MlflowClient:
        relocation.rebase(database())
        return _open(database())

    return insist(opened, timeout)


def is_free() -> bool:
    """Whether the store can be written to right now."""
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
    """Call `action` on the store, repeatedly while another process locks it, for up to `timeout` seconds.

    MLflow looks whether a data set, a tag or a version is there, and adds it when it is not, so of two processes that
    look at the same time the second one is refused, as it is no longer unique; at its next look it finds it.

    Parameters
    ----------
    action : one call of MLflow, which takes effect wholly or not at all.

    Raises
    ------
    HepexpError : the store stays locked, or refuses.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    deadline, raced = time.monotonic() + timeout, 0
    while True:
        wait_until_free(max(0.0, deadline - time.monotonic()))
        try:
            return action()
        except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
            text = str(error)
            if "database is locked" in text and time.monotonic() < deadline:
                continue
            if RACED.search(text) and raced < RACES:
                raced += 1
                step_aside(raced)
                continue
            raise HepexpError(f"the MLflow store {database()} refused: {reason(error)}") from error


def reason(error: Exception) -> str:
    """MLflow's message in one line; for a database error, the database's message."""
    text = str(error)
    found = re.search(r"\(sqlite3\.\w+\) .+", text)
    return found[0] if found else text.splitlines()[0]


def step_aside(times: int) -> None:
    """Wait for a random time, longer each time, so that processes that collided do not collide again."""
    time.sleep(random.uniform(0, 0.01 * 2**times))


def _why_not_free() -> str | None:
    """None when a write transaction can begin, else SQLite's reason. Costs 0.2 ms and changes nothing."""
    try:
        address = f"{database().as_uri()}?mode=rw"  # never creates an empty file in place of one that was moved away
        with closing(sqlite3.connect(address, uri=True, timeout=0.05, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return str(error)
    return None


@contextmanager
def claim(timeout: float) -> Iterator[None]:
    """Keep other processes here from changing the status of a run while it is inspected and marked."""
    lock = FileLock(database().with_name(".mlflow.lock"), timeout=timeout)
    try:
        with lock:
            yield
    except Timeout:
        raise HepexpError(
            f"another process has held {lock.lock_file} for {timeout:.0f} s; end it and try again"
        ) from None


def _is_made() -> bool:
    return database().is_file() and database().stat().st_size > 0


def _create(timeout: float) -> None:
    """Create the store under another name and rename it when it is complete, so that whoever sees it can use it."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    lock = FileLock(f"{database()}.lock", timeout=timeout)
    try:
        database().parent.mkdir(parents=True, exist_ok=True)
        with lock:
            if _is_made():
                return  # another process was first
            for left in database().parent.glob("mlflow.db.new*"):
                left.unlink()  # left by a process that was interrupted here
            new = database().with_name("mlflow.db.new")
            _open(new)
            with closing(sqlite3.connect(new)) as connection, connection:  # MLflow's own is ./mlruns of this process
                default = (artifacts() / "0").as_uri()
                connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (default,))
            os.replace(new, database())
        Path(lock.lock_file).unlink(missing_ok=True)  # a process that still waits for it finds the store complete
    except Timeout:
        raise HepexpError(
            f"another process has been creating the MLflow store {database()} for {timeout:.0f} s; end it and try again"
        ) from None
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        why = getattr(error, "strerror", None) or reason(error)
        raise HepexpError(
            f"cannot make the MLflow store {database()}: {why}; set $HEPEXP_RUNS_DIR to a folder that can be "
            "written, on a disk that is not full"
        ) from error


def _open(file: Path) -> MlflowClient:
    # Nothing goes to the network, and users did not ask for the history of the schema.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = MlflowClient(sqlite_address(file))
    client.search_experiments(max_results=1)  # MLflow opens the store, and creates its tables, at the first query
    return client
