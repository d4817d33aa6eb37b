"""Verification of the files of a data set on this machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from hepexp.data import arrow_file
from hepexp.data.collection import Collection
from hepexp.data.files import checksum, refuse_damaged_sample
from hepexp.data.published import PublishedFile
from hepexp.errors import DataError


class Finding(NamedTuple):
    """A file; what is wrong with it, or None; a note on what could not be verified, or an empty string."""

    path: Path
    problem: str | None
    note: str = ""


def verify(collection: Collection, only: Path | None = None) -> Iterator[Finding]:
    """Verify every file on this machine, or only one.

    Published files and the shipped sample are compared with their checksums; if there is none, or it differs, they are
    read to the last example. Files of the store contain a checksum of their values, and are always read completely.
    """
    if only is not None:
        yield _of_examples(collection, only)
        return
    seen = set()
    for form in collection.forms:
        for part in form:
            for file in part.files:
                path = collection.found(file)
                if path is not None and path not in seen:
                    seen.add(path)
                    yield Finding(path, _problem(collection, path, file, is_first=file is part.files[0]))
    if isinstance(collection.mini, Path):
        yield Finding(collection.mini, _refused(collection.mini, lambda: _look_at_sample(collection)))
    for path in sorted(path for folder in collection.store_folders for path in folder.glob("[!.]*.arrow")):
        yield _of_examples(collection, path)


def _of_examples(collection: Collection, path: Path) -> Finding:
    """The result of reading every example of a file and verifying the checksum in it."""
    problem = _refused(path, lambda: collection.open_file(path))
    stored = problem is None and collection.is_store(path)
    old = stored and arrow_file.read(path, collection.layout).checksum is None
    return Finding(path, problem, "no checksum: written by an older hepexp" if old else "")


def _look_at_sample(collection: Collection) -> None:
    refuse_damaged_sample(collection.mini)
    collection.open_file(collection.mini)


def _refused(path: Path, look: Callable[[], object]) -> str | None:
    """The reason why `look` refuses a file, or None."""
    try:
        look()
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def _problem(collection: Collection, path: Path, file: PublishedFile, is_first: bool) -> str | None:
    """What is wrong with a published file, according to its checksum and to reading it to the last example."""
    wrong = None
    for kind in ("sha256", "md5"):
        expected = getattr(file, kind)
        if expected is not None and path.name == file.name:
            computed = checksum(path, kind)
            if computed == expected:
                return None
            wrong = f"{kind} is {computed}, expected {expected}"
            break
    found = _unreadable(collection, path) if is_first else None  # the others are read together with the first
    if wrong is None:
        return found
    return f"{wrong}: {found or 'modified, or an excerpt'}; remove the file and download it again"


def _unreadable(collection: Collection, path: Path) -> str | None:
    return _refused(path, lambda: deque(collection.read(path), maxlen=0))
