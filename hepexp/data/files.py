"""Locks between processes, and checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path

from filelock import FileLock

from hepexp.config.paths import store_dir
from hepexp.errors import DataError


def only_one(path: Path) -> FileLock:
    """A lock for the making of a file, so that of several processes one works and the others wait.

    Lock files are kept apart from the data, as they cannot be removed without a race.
    """
    folder = store_dir() / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    return FileLock(folder / f"{path.name}.{key}.lock")


def checksum(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file in hexadecimal; kind is `sha256` or `md5`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def describe_file(path: Path) -> dict[str, str | int]:
    """Name, size in bytes and sha256 of a file, for the record of a run."""
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": checksum(path)}


def refuse_damaged_sample(path: Path) -> None:
    """Refuse a shipped sample that is not the one of this version, by SHA256SUMS in its folder.

    Raises
    ------
    DataError : it is absent, or its checksum is another one.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; install hepexp again, it ships this sample")
    known = dict(reversed(line.split()) for line in path.with_name("SHA256SUMS").read_text().splitlines())
    computed, expected = checksum(path), known.get(path.name)
    if computed != expected:
        raise DataError(f"{path}: sha256 is {computed}, expected {expected}: corrupted; install hepexp again")
