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


def refuse_broken_arrow(path: Path) -> None:
    """Refuse an Arrow file whose buffers are shorter than its columns.

    Raises
    ------
    DataError : names the file and the first row of the damaged batch.
    """
    import pyarrow as pa

    if path.suffix != ".arrow" or not path.is_file():
        return
    first = 0
    try:
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as reader:
            for i in range(reader.num_record_batches):
                batch = reader.get_batch(i)
                batch.validate()
                first += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path}: not a complete arrow file: from row {first} on: {reason}; remove it and make it again"
        ) from None


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
