"""Whether the files of a data set on this machine are what they should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from hepexp.data.files import checksum
from hepexp.data.read import read_jets
from hepexp.errors import DataError


def verify(files: ModuleType) -> Iterator[tuple[Path, str | None]]:
    """Each file that is here, with what is wrong with it, or None.

    Published files are compared with their checksums; stores are read to the last jet.

    Parameters
    ----------
    files : the module of the data set's files, such as `hepexp.data.qg_files`.
    """
    for file in files.published():
        path = files.found(file)
        if path is not None:
            yield path, _checksum_problem(path, file.sha256)
    for path in (files.MINI, *sorted(files.folder().glob("[!.]*.arrow"))):
        try:
            read_jets(path)
        except DataError as error:
            yield path, str(error).removeprefix(f"{path}: ")
        else:
            yield path, None


def _checksum_problem(path: Path, expected: str | None) -> str | None:
    computed = checksum(path)
    if expected in (None, computed):
        return None
    return f"sha256 is {computed}, expected {expected}; remove the file and fetch it again"
