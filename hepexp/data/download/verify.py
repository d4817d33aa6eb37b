"""Verification of the files of a data set on this machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hepexp.data.dataset_info import DatasetInfo, PublishedFile
from hepexp.data.formats.open_file import is_store, open_file, read_published
from hepexp.data.store import arrow_file
from hepexp.data.store.integrity import checksum, refuse_damaged_sample
from hepexp.errors import DataError


class Finding(NamedTuple):
    """A file; what is wrong with it, or None; a note on what could not be verified, or an empty string."""

    path: Path
    problem: str | None
    note: str = ""


def verify(info: DatasetInfo, only: Path | None = None) -> Iterator[Finding]:
    """Verify every file on this machine, or only one.

    Published files and the shipped sample are compared with their checksums; if there is none, or it differs, they are
    read to the last example. Files of the store contain a checksum of their values, and are always read completely.
    """
    if only is not None:
        yield _of_examples(info, only)
        return
    seen = set()
    for release in info.releases:
        for part in release:
            for file in part.files:
                path = info.find_file(file)
                if path is not None and path not in seen:
                    seen.add(path)
                    yield Finding(path, _problem(info, path, file, is_first=file is part.files[0]))
    if isinstance(info.mini, Path):
        yield Finding(info.mini, _refused(info.mini, partial(_look_at_sample, info, info.mini)))
    for path in sorted(path for folder in info.store_folders for path in folder.glob("[!.]*.arrow")):
        yield _of_examples(info, path)


def _of_examples(info: DatasetInfo, path: Path) -> Finding:
    """The result of reading every example of a file and verifying the checksum in it."""
    problem = _refused(path, lambda: open_file(info, path))
    stored = problem is None and is_store(info, path)
    old = stored and arrow_file.read(path, info.layout).checksum is None
    return Finding(path, problem, "no checksum: written by an older hepexp" if old else "")


def _look_at_sample(info: DatasetInfo, path: Path) -> None:
    refuse_damaged_sample(path)
    open_file(info, path)


def _refused(path: Path, look: Callable[[], object]) -> str | None:
    """The reason why `look` refuses a file, or None."""
    try:
        look()
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def _problem(info: DatasetInfo, path: Path, file: PublishedFile, is_first: bool) -> str | None:
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
    found = _unreadable(info, path) if is_first else None  # the others are read together with the first
    if wrong is None:
        return found
    return f"{wrong}: {found or 'modified, or an excerpt'}; remove the file and download it again"


def _unreadable(info: DatasetInfo, path: Path) -> str | None:
    return _refused(path, lambda: deque(read_published(info, path), maxlen=0))
