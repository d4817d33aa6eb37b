"""Take the data files out of a fetched archive."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath

from hepexp.atomic import atomic
from hepexp.errors import DataError


def unpack(archive: Path, folder: Path, suffix: str) -> list[Path]:
    """Put the files of a tar archive whose names end so into a folder, and remove the archive.

    Folders inside the archive are left out, so nothing lands elsewhere; each file appears only when it is complete.

    Raises
    ------
    DataError : the archive is damaged, or has no such file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                if not member.isfile() or not name.endswith(suffix):
                    continue
                with tar.extractfile(member) as source, atomic(folder / name) as draft, draft.open("wb") as target:
                    shutil.copyfileobj(source, target, 2**20)
                written.append(folder / name)
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{archive}: truncated or corrupted: {error}; remove it and fetch it again") from None
    if not written:
        raise DataError(f"{archive}: holds no file that ends in {suffix}; expected a published archive")
    archive.unlink()
    return written
