"""One published file of a data set, from the network if it is not here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from hepexp.data.collection import Collection
from hepexp.data.download import Report, fetch
from hepexp.data.files import only_one
from hepexp.data.published import PublishedFile
from hepexp.data.unpack import unpack
from hepexp.errors import DataError

log = logging.getLogger(__name__)


def obtain(
    collection: Collection, file: PublishedFile, progress: Callable[[str], AbstractContextManager[Report]]
) -> Path:
    """Where a published file is; it is fetched first, and taken out of its archive, if need be.

    Parameters
    ----------
    collection : data set that it belongs to.
    file : which one.
    progress : gives a bar for the file of this name.

    Raises
    ------
    DataError : it cannot be fetched, or its archive does not hold it.
    """
    with only_one(collection.folder / f"{(file.archive or file).name}.obtained"):  # two processes unpack once
        path = collection.found(file)
        if path is not None:
            return path
        wanted = file.archive or file
        if not wanted.urls:
            raise DataError(f"{file.name}: cannot be fetched by a program; get it {collection.how_to_fetch}")
        with progress(wanted.name) as report:
            path = fetch(wanted, collection.folder, report)
        if file.archive is None:
            return path
        log.info("data: unpacking %s", path)
        unpack(path, (collection.folder / file.name).parent, Path(file.name).suffix)
        path = collection.found(file)
        if path is None:
            raise DataError(
                f"{file.name}: not in {wanted.name} as it was published; put it into {collection.folder} by hand"
            )
        return path
