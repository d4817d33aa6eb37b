"""Columns of the store that go through all steps untouched: what is to be predicted for each element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.transform import Transform

_PREFIX = "target/"  # in the store, too, for the targets of edges
_GROUP = f"{_PREFIX}group/"
PLACE = f"{_PREFIX}place"  # of an element in its example, before any step
UNKNOWN = -1  # label of an element that has none: padding, or a beam


class Carry(Transform):
    """Carries some columns along; the first of all steps. The others drop and select elements, these included.

    Parameters
    ----------
    reals, labels, groups : names of columns with real numbers, with labels of classes, and with the numbers of groups,
        negative or not finite where there is none. A file may lack them.
    """

    def __init__(self, reals: Sequence[str] = (), labels: Sequence[str] = (), groups: Sequence[str] = ()) -> None:
        self.reals, self.labels, self.groups = tuple(reals), tuple(labels), tuple(groups)

    def __call__(self, examples: Ragged) -> Ragged:
        there = [name for name in (*self.reals, *self.labels) if name in examples.elements]
        copies = {f"{_PREFIX}{name}": examples.elements[name] for name in there}
        copies |= {
            f"{_PREFIX}{name}": examples.elements[name].astype(np.float32) for name in there if name in self.reals
        }
        for name in self.groups:
            if name in examples.elements:
                copies[f"{_GROUP}{name}"] = _numbers(examples.elements[name])
        return replace(examples, elements={**examples.elements, **copies})

    def stacked(self, columns: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """The batch's element_target (..., T), _label (..., C) and _group (..., G) from the carried columns (...)."""
        found = {}
        for key, names, prefix, kind in (
            ("element_target", self.reals, _PREFIX, np.float32),
            ("element_label", self.labels, _PREFIX, np.int64),
            ("element_group", self.groups, _GROUP, np.int64),
        ):
            there = [columns[f"{prefix}{name}"] for name in names if f"{prefix}{name}" in columns]
            if names and len(there) == len(names):
                found[key] = np.stack(there, axis=-1).astype(kind)
        return found


def _numbers(column: NDArray) -> NDArray[np.int64]:
    """The numbers of groups (m,), UNKNOWN where there is none."""
    known = np.isfinite(column) & (column >= 0)
    return np.where(known, column, UNKNOWN).astype(np.int64)


def carried(examples: Ragged) -> dict[str, NDArray]:
    """The columns that are carried along."""
    return {name: column for name, column in examples.elements.items() if name.startswith(_PREFIX)}


def with_places(examples: Ragged) -> Ragged:
    """The same examples with PLACE, which all steps carry along."""
    place = np.arange(int(examples.offsets[-1])) - np.repeat(examples.offsets[:-1], examples.counts)
    return replace(examples, elements={**examples.elements, PLACE: place.astype(np.int32)})


def fill_of(column: NDArray) -> float:
    """What stands in a carried column (m,) for an element that has no target."""
    return UNKNOWN if column.dtype.kind == "i" else np.nan


def target(name: str) -> str:
    """The carried column of elements that holds a real number or a label to predict."""
    return f"{_PREFIX}{name}"


def group_target(name: str) -> str:
    """The carried column of elements that holds the number of a group."""
    return f"{_GROUP}{name}"


def edge_target(name: str) -> str:
    """The column of edges, in the store and on all steps, that holds a target."""
    return f"{_PREFIX}{name}"


def edge_labels(examples: Ragged) -> NDArray[np.int64] | None:
    """The batch's edge_label (E, L); None if there are no targets of edges, or a file lacks them."""
    found = [column for name, column in examples.given_edges.elements.items() if name.startswith(_PREFIX)]
    return np.stack(found, axis=1).astype(np.int64) if found else None
