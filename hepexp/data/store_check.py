"""Whether a file of the store can be addressed at all, before anything is read from it, and is as it was written.

Arrow believes what a file says of itself: a damaged one would be read beyond its end, or ask for memory without limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hepexp.errors import DataError

if TYPE_CHECKING:
    from hepexp.data.arrow_file import Contents
    from hepexp.data.ragged import Layout, Ragged


def refuse_broken_lists(chunks: Iterable[Ragged], path: Path) -> None:
    """Refuse examples of which some have elements that begin or end where there are none.

    Raises
    ------
    DataError : names the file and the first such row.
    """
    first = 0
    for chunk in chunks:
        there = min((len(column) for column in chunk.elements.values()), default=0)
        starts, ends = chunk.offsets[:-1], chunk.offsets[1:]
        bad = (starts < 0) | (ends < starts) | (ends > there)
        if bad.any():
            row = first + int(np.argmax(bad))
            raise DataError(
                f"{path}: row {row} has its elements outside the file: corrupted; remove it and make it again"
            )
        first += len(chunk)


def refuse_changed(contents: Contents, layout: Layout, path: Path) -> None:
    """Refuse a file whose values are not those that were written; this reads all of it.

    Raises
    ------
    DataError : the checksum of the values is not the recorded one.
    """
    if not contents.is_intact(layout):
        raise DataError(
            f"{path}: its values are not those that were written (the checksum in it differs): corrupted; remove it "
            "and make it again, or drop its metadata if you changed it yourself"
        )
