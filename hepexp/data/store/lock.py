"""Writing of files by several processes: a lock for each file, and what is said if the disk is full or read-only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from hepexp.config.paths import store_dir
from hepexp.errors import DataError


def only_one(path: Path) -> FileLock:
    """A lock held while a file is made, so that only one of several processes makes it and the others wait.

    Lock files are kept apart from the data, as they cannot be removed without a race: in the store's folder, or, if
    that cannot be written, in this user's folder for temporary files.

    Raises
    ------
    DataError : neither folder can be written.
    """
    key = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    name = f"{path.name[:200]}.{key}.lock"
    for folder in (store_dir() / ".locks", Path(tempfile.gettempdir()) / f"hepexp-{os.getuid()}"):
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o777 if folder.name == ".locks" else 0o700, parents=True, exist_ok=True)
            lock = folder / name
            own = folder.name == ".locks" or folder.stat().st_uid == os.getuid()
            if own and os.access(lock if lock.exists() else folder, os.W_OK):
                return FileLock(lock)
    raise DataError(f"{store_dir()} cannot be written; set HEPEXP_STORE_DIR to a writable folder")


@contextlib.contextmanager
def naming_failures(target: Path) -> Iterator[None]:
    """Turn a disk error while a file of the store is written into a one-line message.

    Raises
    ------
    DataError : names the file, and says what to do.
    """
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise DataError(
            f"{target}: cannot be written: {why}; free some space, or set HEPEXP_STORE_DIR to a writable folder"
        ) from None
