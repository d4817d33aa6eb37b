"""Checks that a file of the store is consistent before anything is read from it, and unchanged since it was written.

Arrow trusts the header of a file: a damaged one would be read beyond its end, or make Arrow allocate any amount of
memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hepexp.errors import DataError

if TYPE_CHECKING:
    from hepexp.data.store.arrow_file import Contents
    from hepexp.data.store.ragged import Layout, Ragged


def refuse_broken_lists(chunks: Iterable[Ragged], path: Path) -> None:
    """Refuse examples whose offsets point outside the columns of elements.

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
                f"{path}: the elements of row {row} lie outside the file: corrupted; remove it and make it again"
            )
        first += len(chunk)


def refuse_changed(contents: Contents, layout: Layout, path: Path) -> None:
    """Refuse a file whose values have changed since it was written; this reads the whole file.

    Raises
    ------
    DataError : the checksum of the values differs from the recorded one.
    """
    if not contents.is_intact(layout):
        raise DataError(
            f"{path}: corrupted: its values have changed since it was written (the checksum in it differs); remove it "
            "and make it again, or drop its metadata if you changed it yourself"
        )
