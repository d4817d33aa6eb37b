"""Examples as ragged columns: one value per example, or one per element, with offsets that assign it to an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.limits import Limits

NO_LABEL = -1  # label of an example of unknown class
PLACE_READ = "place in the file"  # of an element in its example, among those that were read: a column that may be there
ENDS = {"source": np.int32, "target": np.int32}  # types of the columns that all edges have


@dataclass(frozen=True)
class Layout:
    """The columns that the examples of a data set have.

    Parameters
    ----------
    elements : type of each column with one value per element: a particle of a jet, or a non-zero pixel of an image.
    extras : type of each column with one value per example, apart from the label.
    shape : (channels, rows, columns) of the images; None if the elements are particles.
    limits : range of the values in a column; columns without an entry may hold any finite number.
    edges : type of each column with one value per edge between two elements: `ENDS`, and perhaps others; empty if there
        are no edges.
    """

    elements: Mapping[str, type]
    extras: Mapping[str, type] = field(default_factory=dict)
    shape: tuple[int, int, int] | None = None
    limits: Mapping[str, Limits] = field(default_factory=dict)
    edges: Mapping[str, type] = field(default_factory=dict)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of the images, of a layout of images."""
        assert self.shape is not None
        return self.shape

    @property
    def names(self) -> list[str]:
        """All columns, in the order in which the store writes them."""
        return ["label", *self.extras, *self.elements, *self.edge_names]

    @property
    def edge_names(self) -> dict[str, str]:
        """The columns of edges, by the names that they have in files."""
        return {f"edges.{name}": name for name in self.edges}

    def of_edges(self) -> Layout:
        """The layout of the edges as elements."""
        return Layout(self.edges)

    def with_extras_of(self, examples: Ragged) -> Layout:
        """The layout of examples that may lack columns with one value per example, and have other types of them."""
        return replace(self, extras={name: column.dtype.type for name, column in examples.extras.items()})

    def empty(self) -> Ragged:
        """No examples at all."""
        return Ragged(
            np.zeros(0, np.int8),
            np.zeros(1, np.int64),
            {name: np.zeros(0, kind) for name, kind in self.elements.items()},
            {name: np.zeros(0, kind) for name, kind in self.extras.items()},
            self.of_edges().empty() if self.edges else None,
        )


@dataclass
class Ragged:
    """Some examples, their elements in flat columns.

    Edges between elements are the elements of `edges`, which has no labels and extras of its own: columns `source` and
    `target` (k,) hold the place of either end in its example, from 0. It is None where there are none.

    Shapes
    ------
    label (n,) int8; offsets (n + 1,) int64: the elements of example i are offsets[i] to offsets[i + 1]; each column of
    `elements` (m, ...); each column of `extras` (n, ...). Types and units are those of the data set's layout.
    """

    label: NDArray[np.integer]
    offsets: NDArray[np.int64]
    elements: dict[str, NDArray[Any]]
    extras: dict[str, NDArray[Any]] = field(default_factory=dict)
    edges: Ragged | None = None

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The column of this name."""
        return self.elements[name] if name in self.elements else self.extras[name]

    @property
    def given_edges(self) -> Ragged:
        """The edges of examples that have some."""
        assert self.edges is not None
        return self.edges

    @property
    def counts(self) -> NDArray[np.int64]:
        """Elements of each example (n,)."""
        return np.diff(self.offsets)

    def cast(self, layout: Layout) -> Ragged:
        """The same examples in the types of a layout; their values must be known to fit."""
        return Ragged(
            self.label.astype(np.int8, copy=False),
            self.offsets,
            {name: self.elements[name].astype(kind, copy=False) for name, kind in layout.elements.items()},
            {name: self.extras[name].astype(kind, copy=False) for name, kind in layout.extras.items()},
            self.given_edges.cast(layout.of_edges()) if layout.edges else None,
        )

    def unlabelled(self) -> Ragged:
        """The same examples, of unknown class."""
        return replace(self, label=np.full(len(self), NO_LABEL, np.int8))

    def without_edges(self) -> Ragged:
        """The same examples without the edges between their elements."""
        return self if self.edges is None else replace(self, edges=None)

    def elements_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions in the flat columns of the elements of the examples at these rows (n,); their offsets (n + 1,)."""
        starts = self.offsets[rows]
        counts = self.offsets[rows + 1] - starts
        offsets = offsets_of(counts)
        return np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1]), offsets

    def take(self, rows: NDArray[np.int64] | slice | list[int]) -> Ragged:
        """The examples at these rows, in this order, as a copy."""
        rows = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows, np.int64)
        chosen, offsets = self.elements_of(rows)
        return Ragged(
            self.label[rows],
            offsets,
            {name: column[chosen] for name, column in self.elements.items()},
            {name: column[rows] for name, column in self.extras.items()},
            None if self.edges is None else self.edges.take(rows),
        )

    def keep(self, chosen: NDArray[np.bool_]) -> Ragged:
        """The same examples with only the chosen elements, given by a mask (m,), and the edges between these."""
        before = np.concatenate([[0], np.cumsum(chosen)])
        columns = {name: column[chosen] for name, column in self.elements.items()}
        offsets = before[self.offsets].astype(np.int64)
        edges = None if self.edges is None else self._between(self.edges, chosen, before)
        return Ragged(self.label, offsets, columns, self.extras, edges)

    def _between(self, edges: Ragged, chosen: NDArray[np.bool_], before: NDArray[np.int64]) -> Ragged:
        """The edges between chosen elements (m,), of which so many are `before` each one (m + 1,)."""
        first = np.repeat(self.offsets[:-1], edges.counts)
        ends = {name: edges[name] + first for name in ENDS}
        kept = np.logical_and.reduce([chosen[place] for place in ends.values()])
        places = {name: (before[place] - before[first])[kept].astype(edges[name].dtype) for name, place in ends.items()}
        found = edges.keep(kept)
        return replace(found, elements=found.elements | places)

    def largest(self, n: int | None, by: NDArray[np.floating]) -> Ragged:
        """The n elements of each example with the largest values (m,), in their original order; all if n is None."""
        if n is None or self.counts.max(initial=0) <= n:
            return self
        example = np.repeat(np.arange(len(self)), self.counts)
        order = np.lexsort((-by, example))  # of each example, from the largest value down
        kept = np.zeros(len(example), bool)
        kept[order[np.arange(len(example)) - np.repeat(self.offsets[:-1], self.counts) < n]] = True
        return self.keep(kept)

    @property
    def nbytes(self) -> int:
        """Size of all columns."""
        columns: list[NDArray] = [self.label, self.offsets, *self.elements.values(), *self.extras.values()]
        return sum(column.nbytes for column in columns) + (0 if self.edges is None else self.edges.nbytes)

    @staticmethod
    def concatenate(parts: Iterable[Ragged]) -> Ragged:
        """The examples of one or more parts with the same columns, concatenated."""
        parts = list(parts)
        return Ragged(
            np.concatenate([part.label for part in parts]),
            offsets_of(np.concatenate([part.counts for part in parts])),
            {name: np.concatenate([part.elements[name] for part in parts]) for name in parts[0].elements},
            {name: np.concatenate([part.extras[name] for part in parts]) for name in parts[0].extras},
            None if parts[0].edges is None else Ragged.concatenate([part.given_edges for part in parts]),
        )


def regroup(parts: Iterable[Ragged], n_bytes: int = 2**26) -> Iterator[Ragged]:
    """The same examples in parts of about n_bytes each: few enough for fast access, small compared with the memory."""
    waiting: list[Ragged] = []
    for part in parts:
        waiting.append(part)
        if sum(part.nbytes for part in waiting) >= n_bytes:
            yield Ragged.concatenate(waiting)
            waiting = []
    if waiting:
        yield Ragged.concatenate(waiting)


def offsets_of(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Offsets (n + 1,) of examples with these numbers of elements (n,)."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def pad(values: NDArray, counts: NDArray[np.int64]) -> NDArray:
    """Zero-padded array (n, max count, ...) of flat values (m, ...) of examples with these numbers of elements (n,)."""
    padded = np.zeros((len(counts), int(counts.max(initial=0)), *values.shape[1:]), values.dtype)
    padded[np.arange(padded.shape[1]) < counts[:, None]] = values
    return padded
