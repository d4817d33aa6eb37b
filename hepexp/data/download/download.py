"""Download a published file of a data set, and extract it from its archive."""

from __future__ import annotations

import logging
import shutil
import tarfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from hepexp.atomic import atomic
from hepexp.data.dataset_info import DatasetInfo, PublishedFile
from hepexp.data.download.fetch import Report, fetch
from hepexp.data.store.lock import only_one
from hepexp.errors import DataError

log = logging.getLogger(__name__)


def download(info: DatasetInfo, file: PublishedFile, progress: Callable[[str], AbstractContextManager[Report]]) -> Path:
    """Path of a published file, which is downloaded, and extracted from its archive, unless it is on this machine.

    Parameters
    ----------
    info : data set that it belongs to.
    file : the file.
    progress : returns a progress bar for the file of this name.

    Raises
    ------
    DataError : it cannot be downloaded, or its archive does not contain it.
    """
    with only_one(info.folder / f"{(file.archive or file).name}.unpacked"):  # only one process unpacks
        path = info.find_file(file)
        if path is not None:
            return path
        wanted = file.archive or file
        if not wanted.urls:
            raise DataError(f"{file.name}: cannot be downloaded automatically; get it {info.how_to_fetch}")
        with progress(wanted.name) as report:
            path = fetch(wanted, info.folder, report)
        if file.archive is None:
            return path
        log.info("data: unpacking %s", path)
        unpack(path, (info.folder / file.name).parent, Path(file.name).suffix)
        path = info.find_file(file)
        if path is None:
            raise DataError(f"{file.name}: not found in {wanted.name}; put it into {info.folder} by hand")
        return path


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
                if not member.isfile() or not name.endswith(suffix) or (file := tar.extractfile(member)) is None:
                    continue
                with file as source, atomic(folder / name) as draft, draft.open("wb") as target:
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
