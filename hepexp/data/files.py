"""Files that are complete or not there, and their checksums."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A draft beside path that takes its place when the block ends well, and is removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def checksum(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file in hexadecimal; kind is `sha256` or `md5`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
