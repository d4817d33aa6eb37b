"""Random access to jets on disk: Arrow IPC is memory-mapped, so memory does not grow with the data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data import arrow_file
from hepexp.data.jets import Jets


class JetStore:
    """Jets from one or several files, addressed by row as if they were one.

    Parameters
    ----------
    chunks : the jets, in order; their columns may be views of a memory-mapped file.
    paths : the files they come from.
    metadata : what each file says about its origin.

    Attributes
    ----------
    label (n,) int8 and counts (n,) int64, particles per jet, are held in memory.
    """

    def __init__(self, chunks: list[Jets], paths: Iterable[Path] = (), metadata: Iterable[dict] = ()) -> None:
        self.chunks = chunks
        self.paths = list(paths)
        self.metadata = list(metadata)
        self.bounds = np.concatenate([[0], np.cumsum([len(chunk) for chunk in chunks], dtype=np.int64)])
        self.label = np.concatenate([chunk.label for chunk in chunks]) if chunks else np.zeros(0, np.int8)
        self.counts = np.concatenate([chunk.counts for chunk in chunks]) if chunks else np.zeros(0, np.int64)

    @classmethod
    def open(cls, *paths: Path) -> JetStore:
        """Open files of the store, `.arrow` or `.parquet`.

        Raises
        ------
        DataError : a file is missing, damaged, or holds something else.
        """
        chunks, metadata = [], []
        for path in paths:
            jets, about = arrow_file.read(path)
            chunks += jets
            metadata.append(about)
        return cls(chunks, paths, metadata)

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def take(self, rows: NDArray[np.int64] | list[int]) -> Jets:
        """The jets at these rows, in this order, as a copy in memory."""
        rows = np.asarray(rows, np.int64)
        if len(self.chunks) == 1:
            return self.chunks[0].take(rows)
        where = np.searchsorted(self.bounds, rows, side="right") - 1
        order = np.argsort(where, kind="stable")
        parts = [
            self.chunks[chunk].take(rows[where == chunk] - self.bounds[chunk]) for chunk in np.unique(where).tolist()
        ]
        if not parts:
            return Jets.empty()
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return Jets.concatenate(parts).take(back)
