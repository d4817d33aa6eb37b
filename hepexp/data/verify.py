"""Whether the files of a data set on this machine are what they should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hepexp.data.collection import Collection
from hepexp.data.files import checksum
from hepexp.data.published import PublishedFile
from hepexp.errors import DataError


def verify(collection: Collection) -> Iterator[tuple[Path, str | None]]:
    """Each file that is here, with what is wrong with it, or None.

    Published files are compared with their checksums, and read to the last example where there are none or another
    one; stores are read to the last example.
    """
    seen = set()
    for form in collection.forms:
        for part in form:
            for file in part.files:
                path = collection.found(file)
                if path is not None and path not in seen:
                    seen.add(path)
                    yield path, _problem(collection, path, file, is_first=file is part.files[0])
    shipped = [collection.mini] if isinstance(collection.mini, Path) else []
    for path in (*shipped, *sorted(collection.store_folder.glob("[!.]*.arrow"))):
        try:
            collection.open_file(path)
        except DataError as error:
            yield path, str(error).removeprefix(f"{path}: ")
        else:
            yield path, None


def _problem(collection: Collection, path: Path, file: PublishedFile, is_first: bool) -> str | None:
    """What is wrong with a published file: its checksum, and what reading it to the last example finds."""
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
    return f"{wrong}: {found or 'changed, or an excerpt'}; remove the file and fetch it again"


def _unreadable(collection: Collection, path: Path) -> str | None:
    try:
        for _ in collection.read(path):
            pass
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    return None
