"""Extract the data files from a downloaded archive."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from hepexp.atomic import atomic
from hepexp.errors import DataError


def unpack(archive: Path, folder: Path, suffix: str) -> list[Path]:
    """Extract the files of a tar archive with this suffix into a folder, and remove the archive.

    Folders inside the archive are ignored, so no file ends up elsewhere; each file appears only when it is complete.

    Raises
    ------
    DataError : the archive is damaged or contains no such file, or the disk is full; the archive is then kept.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                if not member.isfile() or not name.endswith(suffix):
                    continue
                with tar.extractfile(member) as source, atomic(folder / name) as draft, draft.open("wb") as target:
                    shutil.copyfileobj(source, target, 2**20)
                written.append(folder / name)
            _require_end(tar)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{archive}: truncated or corrupted: {reason}; remove it and download it again") from None
    except OSError as error:
        raise DataError(f"{error.filename or folder}: cannot be unpacked: {error.strerror}; try again") from None
    if not written:
        raise DataError(f"{archive}: contains no file that ends in {suffix}; expected a published archive")
    archive.unlink()
    return written


def _require_end(tar: tarfile.TarFile) -> None:
    """Refuse an archive truncated between two files: it looks complete, but lacks the block of zeros at its end."""
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("the end-of-archive marker is missing")
