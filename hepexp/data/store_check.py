"""Whether a file of the store can be addressed at all, before anything is read from it.

Arrow believes what a file says of itself: a damaged one would be read beyond its end, or ask for memory without limit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hepexp.errors import DataError

if TYPE_CHECKING:
    from hepexp.data.store import Store


def refuse_broken_lists(store: Store, path: Path) -> None:
    """Refuse a store in which the elements of some row begin or end where there are none.

    Raises
    ------
    DataError : names the file and the first such row.
    """
    for first, chunk in zip(store.bounds, store.chunks, strict=False):
        there = min((len(column) for column in chunk.elements.values()), default=0)
        starts, ends = chunk.offsets[:-1], chunk.offsets[1:]
        bad = (starts < 0) | (ends < starts) | (ends > there)
        if bad.any():
            row = int(first) + int(np.argmax(bad))
            raise DataError(
                f"{path}: row {row} has its elements outside the file: corrupted; remove it and make it again"
            )
