"""Where sweeps are kept: a database, or a journal on a shared disk. No message and no file shows its password."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import write_guard
from hepexp.tracking.lookup import sqlite_address

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "journal:"  # begins the address of a journal
VARIABLE = "HEPEXP_SWEEP_STORAGE"  # holds the address: other users can read a command line, but not this environment
FORMS = "sqlite:///FILE, postgresql://..., mysql://... or journal:FILE"
# Seconds: of an SQLite file that another process has locked, of a server that does not answer.
WAITING: dict[str, dict[str, Any]] = {
    "pysqlite": {"timeout": 60},
    **{driver: {"connect_timeout": 10} for driver in ("psycopg2", "psycopg", "mysqldb", "pymysql")},
}
MAKING = 10  # seconds that another process gets to make the tables
PACKAGES = {"psycopg2": "psycopg2-binary", "psycopg": "'psycopg[binary]'", "MySQLdb": "mysqlclient"}


def address(given: str | None) -> str:
    """The address of the storage: given, or $HEPEXP_SWEEP_STORAGE, or the database of all sweeps under runs/."""
    if url := given or os.environ.get(VARIABLE):
        return url
    return sqlite_address(_own())


def _own() -> Path:
    return runs_dir().resolve() / "sweeps.db"


def masked(url: str) -> str:
    """An address without its password, to be shown."""
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url))


def open_storage(url: str, make: bool = True) -> BaseStorage:
    """The storage at an address.

    Parameters
    ----------
    make : whether a file that does not exist is made.

    Raises
    ------
    ConfigError : this is not an address, or there is no such file.
    HepexpError : it cannot be reached or read, its driver is not installed, or another version of Optuna made it.
    """
    import optuna
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    shown = masked(url)
    try:
        file = _file(url)
        if not make and file and not file.is_file():
            raise ConfigError(f"there are no sweeps yet: {file} does not exist; sweep.storage=... names another place")
        if file == _own():
            write_guard.refuse_way_out(file)
            _make_runs()
        if url.startswith(JOURNAL):
            return _journal(url.removeprefix(JOURNAL))
        return _database(url)
    except ArgumentError as error:
        raise ConfigError(f"sweep.storage must be {FORMS}, got {shown!r}") from error
    except ImportError as error:
        module = getattr(error.__cause__, "name", None) or str(error)
        raise HepexpError(
            f"sweep storage {shown} needs the Python module {module}: pip install {PACKAGES.get(module, module)}"
        ) from error
    except RuntimeError as error:  # Optuna's word for a schema that is not its own
        raise HepexpError(
            f"sweep storage {shown} was made by another version of Optuna ({_line(error)}); use that version, or "
            "another sweep.storage"
        ) from error
    except (SQLAlchemyError, StorageInternalError, OSError) as error:
        raise HepexpError(f"cannot open sweep storage {shown}: {_line(error)}") from error


@contextmanager
def reached(url: str) -> Iterator[None]:
    """Say in one line that a storage was lost, or a journal broken, while it is used."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    from hepexp.sweep.journal import broken_line

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise HepexpError(f"sweep storage {masked(url)} was lost: {_line(error)}") from error
    except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as error:
        if url.startswith(JOURNAL) and (broken := broken_line(Path(url.removeprefix(JOURNAL)))):
            raise _unreadable(url, broken) from error
        raise


def _file(url: str) -> Path | None:
    """The file that has the sweeps; None for a server, or a database in memory."""
    from sqlalchemy import make_url

    if url.startswith(JOURNAL):
        return Path(url.removeprefix(JOURNAL))
    try:
        parsed = make_url(url)
    except ValueError:  # told when it is opened
        return None
    database = parsed.database or ":memory:"
    is_path = parsed.get_backend_name() == "sqlite" and not database.startswith((":", "file:"))
    return Path(database) if is_path else None


def _make_runs() -> None:
    try:
        _own().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HepexpError(
            f"cannot make {_own().parent} for sweeps.db: {error.strerror}; set $HEPEXP_RUNS_DIR"
        ) from error


def _database(url: str) -> BaseStorage:
    from optuna.storages import RDBStorage
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, ProgrammingError

    try:
        parsed = make_url(url)
    except ValueError as error:  # of a port; it may hold a part of the password
        raise ArgumentError from error
    # A server may have closed the connection since the last epoch, which took hours: it is tried before it is used.
    engine = {"connect_args": WAITING.get(parsed.get_driver_name(), {}), "pool_pre_ping": True}
    for _ in range(MAKING):
        try:
            return RDBStorage(url, engine_kwargs=engine)
        except (IntegrityError, ProgrammingError, OperationalError) as error:
            if not re.search("already exists|duplicate|unique", str(error), re.IGNORECASE):
                raise
            time.sleep(1)  # another process is making the tables
    return RDBStorage(url, engine_kwargs=engine)


def _journal(path: str) -> BaseStorage:
    from optuna import __version__
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from hepexp.sweep.journal import WholeLines, broken_line

    # Optuna overlooks a broken last line, until the next one is written.
    if Path(path).is_file() and (broken := broken_line(Path(path))):
        raise _unreadable(f"{JOURNAL}{path}", broken)
    try:
        return JournalStorage(JournalFileBackend(path, lock_obj=WholeLines(path)))
    except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as error:
        raise HepexpError(
            f"sweep storage journal:{path} is broken, or not a journal that Optuna {__version__} can read "
            f"({type(error).__name__}: {_line(error)}); use the version that made it, or another sweep.storage"
        ) from error


def _unreadable(url: str, broken: str) -> HepexpError:
    return HepexpError(
        f"sweep storage {url} is broken, or not a journal: {broken}; restore the file, or take another sweep.storage "
        "(each line builds on those before it, so none can be skipped)"
    )


def _line(error: BaseException) -> str:
    error = error.__cause__ or error  # Optuna wraps what the driver says
    return str(error).splitlines()[0] if str(error) else type(error).__name__
