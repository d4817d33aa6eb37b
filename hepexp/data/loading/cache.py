"""Prepared examples in memory, from which batches are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import Ragged


class ExampleCache:
    """The prepared examples of a split, laid out so that building a batch takes few operations.

    Between two batches, a training step evicts code and data from the processor's caches, so that the fixed cost of
    each operation (about 5 us) matters as much as the amount of data.

    Parameters
    ----------
    parts : the examples, in order; at least one part.

    Attributes
    ----------
    examples : the same examples, followed by one with a single element of zero, used as padding.
    """

    def __init__(self, parts: list[Ragged]) -> None:
        self.examples = Ragged.concatenate([*parts, blank(parts[0])])
        self.counts = self.examples.counts
        self._places = np.arange(self.counts.max())

    def padded(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Positions in the columns of the elements of the examples at these rows, and a mask that is False for padding.

        Both have shape (n, longest); short examples are padded with the position of the padding element.
        """
        counts = self.counts[rows]
        places = self._places[: max(counts.tolist(), default=0)]
        there = places < counts[:, None]
        zero = self.examples.offsets[-1] - 1
        return np.where(there, self.examples.offsets[rows][:, None] + places, zero), there


def blank(examples: Ragged) -> Ragged:
    """One example with a single element, no edges, and the same columns, all zero."""

    def zero(column: NDArray) -> NDArray:
        return np.zeros((1, *column.shape[1:]), column.dtype)

    elements = {name: zero(column) for name, column in examples.elements.items()}
    extras = {name: zero(column) for name, column in examples.extras.items()}
    none = None if examples.edges is None else {name: ends[:0] for name, ends in examples.edges.elements.items()}
    edges = None if none is None else Ragged(zero(examples.label), np.array([0, 0]), none)
    return Ragged(zero(examples.label), np.array([0, 1]), elements, extras, edges)
