"""Files of a record are regular files: opening a pipe or a device in their place would wait for ever."""

from __future__ import annotations

import stat
from pathlib import Path

from hepexp.errors import DataError


def check(path: Path | str) -> None:
    """Refuse to open anything but a regular file, or a link to one; a missing file is left to the reader.

    Raises
    ------
    DataError : it is a folder, a pipe, a socket or a device.
    """
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        raise DataError(f"{path} is {'a folder, ' if stat.S_ISDIR(mode) else ''}not a regular file")


def is_within(path: Path, folder: Path) -> bool:
    """Whether it is a regular file that lies in a folder, and not a link to one elsewhere."""
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())
