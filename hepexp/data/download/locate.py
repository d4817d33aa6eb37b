"""Locate a published file of a data set, downloading it if necessary."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from hepexp.data.dataset_info import DatasetInfo, PublishedFile
from hepexp.data.download.download import Report, fetch
from hepexp.data.download.unpack import unpack
from hepexp.data.store.files import only_one
from hepexp.errors import DataError

log = logging.getLogger(__name__)


def obtain(info: DatasetInfo, file: PublishedFile, progress: Callable[[str], AbstractContextManager[Report]]) -> Path:
    """Path of a published file, which is downloaded, and extracted from its archive, if necessary.

    Parameters
    ----------
    info : data set that it belongs to.
    file : the file.
    progress : returns a progress bar for the file of this name.

    Raises
    ------
    DataError : it cannot be downloaded, or its archive does not contain it.
    """
    with only_one(info.folder / f"{(file.archive or file).name}.obtained"):  # only one process unpacks
        path = info.found(file)
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
        path = info.found(file)
        if path is None:
            raise DataError(f"{file.name}: not found in {wanted.name}; put it into {info.folder} by hand")
        return path
