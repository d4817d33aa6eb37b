"""Random access to examples on disk: Arrow IPC is memory-mapped, so memory does not grow with the data."""

from __future__ import annotations

import copy
import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store import arrow_file
from hepexp.data.store.arrow_file import Contents
from hepexp.data.store.ragged import NO_LABEL, Layout, Ragged

_FAULT_AROUND = 2**16  # bytes that the system maps around a position that is read
RESIDENT = 2**26  # bytes of mapped pages after which they are released; they stay in the system's cache


class Store:
    """Examples from one or several files, addressed by row as if they were in a single file.

    Parameters
    ----------
    layout : of the examples.
    chunks : the examples, in order; their columns may be views of a memory-mapped file.
    paths : the files they come from.
    metadata : recorded origin of each file.
    mappings : memory mappings of the files that have one.
    sizes : number of examples in each file.

    Attributes
    ----------
    label (n,) int8 and counts (n,) int32, the number of elements per example, are kept in memory.
    """

    def __init__(
        self,
        layout: Layout,
        chunks: list[Ragged],
        paths: Iterable[Path] = (),
        metadata: Iterable[dict] = (),
        mappings: Iterable[mmap.mmap] = (),
        sizes: Iterable[int] = (),
    ) -> None:
        self.layout = layout
        self.chunks = chunks
        self.paths = list(paths)
        self.metadata = list(metadata)
        self.sizes = list(sizes)
        self.bounds = np.concatenate([[0], np.cumsum([len(chunk) for chunk in chunks], dtype=np.int64)])
        self.label = np.concatenate([np.zeros(0, np.int8), *(chunk.label for chunk in chunks)])
        self.counts = np.concatenate([np.zeros(0, np.int32), *(chunk.counts.astype(np.int32) for chunk in chunks)])
        self._mappings = list(mappings)
        self._advice = mmap.MADV_NORMAL
        self._touched = 0

    @classmethod
    def open(cls, layout: Layout, *paths: Path, needs_label: bool = True) -> Store:
        """Open files of the store, `.arrow` or `.parquet`.

        Parameters
        ----------
        needs_label : refuse files without labels; otherwise their examples are of unknown class.

        Raises
        ------
        DataError : a file is missing, damaged, or of another layout.
        """
        return cls.of_contents(layout, paths, [arrow_file.read(path, layout, needs_label) for path in paths])

    @classmethod
    def of_contents(cls, layout: Layout, paths: Sequence[Path], contents: Sequence[Contents]) -> Store:
        """A store of the contents of the files at these paths, concatenated."""
        return cls(
            layout,
            [chunk for file in contents for chunk in file.chunks],
            paths,
            [file.metadata for file in contents],
            [file.mapping for file in contents if file.mapping is not None],
            [sum(map(len, file.chunks)) for file in contents],
        )

    def __len__(self) -> int:
        return int(self.bounds[-1])

    @property
    def labelled(self) -> bool:
        """Whether the class of any example is known."""
        return bool((self.label != NO_LABEL).any()) or len(self) == 0

    @property
    def simulated(self) -> bool:
        """Whether the examples come from a simulation, according to the file that they are in."""
        about = self.metadata[0] if self.metadata else {}
        return about.get("made_from") == "simulation" or about.get("source") == "generate"  # the key of older files

    def take(self, rows: NDArray[np.int64] | list[int]) -> Ragged:
        """The examples at these rows, in this order, as a copy in memory."""
        rows = np.asarray(rows, np.int64)
        if len(rows) == 0:
            return self.layout.empty()
        self._advise(mmap.MADV_NORMAL if _consecutive(rows) else mmap.MADV_RANDOM)
        if len(self.chunks) == 1:
            return self._release_after(self.chunks[0].take(rows))
        where = np.searchsorted(self.bounds, rows, side="right") - 1
        order = np.argsort(where, kind="stable")
        parts = [
            self._release_after(self.chunks[chunk].take(rows[where == chunk] - self.bounds[chunk]))
            for chunk in np.unique(where).tolist()
        ]
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return Ragged.concatenate(parts).take(back)

    def relabelled(self, label: NDArray[np.int8]) -> Store:
        """The same examples with other labels (n,), as those of a search that does not know the true ones."""
        other = copy.copy(self)
        other.label = label
        return other

    def _advise(self, advice: int) -> None:
        """Tell the system what to read ahead: megabytes after each example of a random batch would be in vain."""
        if advice != self._advice:
            self._advice = advice
            for mapping in self._mappings:
                mapping.madvise(advice)

    def _release_after(self, taken: Ragged) -> Ragged:
        """Release mapped pages now and then: they count as memory of this process, although they are only a cache."""
        columns = (*taken.elements.values(), *taken.extras.values())
        columns += () if taken.edges is None else tuple(taken.edges.elements.values())
        self._touched += sum(column.nbytes for column in columns) + len(taken) * len(columns) * _FAULT_AROUND
        if self._touched > RESIDENT:
            self._touched = 0
            for mapping in self._mappings:
                mapping.madvise(mmap.MADV_DONTNEED)
        return taken

    def __getstate__(self) -> dict:
        """For worker processes, which reopen the files, as a memory mapping cannot be pickled."""
        chunks = None if self.paths else self.chunks
        return {"layout": self.layout, "paths": self.paths, "chunks": chunks, "label": self.label}

    def __setstate__(self, state: dict) -> None:
        again = (
            Store.open(state["layout"], *state["paths"], needs_label=False)
            if state["paths"]
            else Store(state["layout"], state["chunks"])
        )
        self.__dict__.update(again.__dict__ | {"label": state["label"]})


def _consecutive(rows: NDArray[np.int64]) -> bool:
    return bool(rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all())
