"""Which lists of a stranger's file are about its particles, and which about edges between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepexp.data.tables.component_names import split_name
from hepexp.data.tables.summary import Summary

_ENDS = (("src", "dst"), ("source", "target"), ("from", "to"), ("sender", "receiver"), ("senders", "receivers"))
_LEAST_LAST = 0.1  # of the examples, in which an edge ends at the last particle: small numbers are no places


@dataclass(frozen=True)
class EdgeColumns:
    """Columns with a value for each edge.

    Parameters
    ----------
    ends : the places of the particles at the first and at the second end of each edge; empty without edges.
    targets : 0 or 1 for each edge.
    others : what else there is of each edge.
    """

    ends: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def edge_columns(found: Mapping[str, Summary], lengths: NDArray[np.int64] | None) -> EdgeColumns | None:
    """The columns of edges; None if there are none.

    Their ends are lists of whole numbers, -1 or from 0. Either the names differ by a word such as in `edge_src` and
    `edge_dst`, or the lists are not as long as those of particles, and all numbers are places of particles.

    Parameters
    ----------
    lengths : (n_rows,) the number of particles of each example; None if it is unknown.
    """
    pair = _by_name(found) or (None if lengths is None else _by_value(found, lengths))
    if pair is None:
        return None
    if lengths is None or same_length(found[pair[0]], lengths):  # the other columns may be of particles
        return EdgeColumns(pair)
    others = [name for name in _together(found, pair[0]) if name not in pair]
    targets = tuple(name for name in others if _is_flag(found[name]))
    return EdgeColumns(pair, targets, tuple(name for name in others if name not in targets))


def same_length(summary: Summary, lengths: NDArray[np.int64] | None) -> bool:
    """Whether a column has a value for each particle, or it is unknown how many there are."""
    return lengths is None or (summary.lengths is not None and np.array_equal(summary.lengths, lengths))


def _by_name(found: Mapping[str, Summary]) -> tuple[str, str] | None:
    lists = [name for name, summary in found.items() if _is_place(summary)]
    by_lower = {name.lower(): name for name in lists}
    for name in lists:
        for first, second in _ENDS:
            match = re.fullmatch(rf"(.*[._]|)({first})([._].*|)", name.lower())
            other = match and by_lower.get(f"{match[1]}{second}{match[3]}")
            if other and same_length(found[other], found[name].lengths):
                return name, other
    return None


def _by_value(found: Mapping[str, Summary], lengths: NDArray[np.int64]) -> tuple[str, str] | None:
    for names in _other_lists(found, lengths):
        if any(split_name(name)[1] for name in names):  # momenta of particles of another kind
            continue
        places = [name for name in names if _is_place(found[name])]
        ends = places if len(places) == 2 else [name for name in places if not _is_flag(found[name])]
        if len(ends) == 2 and _are_places([found[name] for name in ends], lengths):
            return ends[0], ends[1]
    return None


def _other_lists(found: Mapping[str, Summary], lengths: NDArray[np.int64]) -> Iterator[list[str]]:
    """Columns that are as long as one another, but not as those of particles."""
    seen: set[str] = set()
    for name, summary in found.items():
        if name not in seen and summary.lengths is not None and not same_length(summary, lengths):
            names = _together(found, name)
            seen |= {*names}
            yield names


def _together(found: Mapping[str, Summary], name: str) -> list[str]:
    lengths = found[name].lengths
    return [one for one, its in found.items() if its.lengths is not None and same_length(its, lengths)]


def _are_places(ends: list[Summary], lengths: NDArray[np.int64]) -> bool:
    of_ends = [end.highest for end in ends if end.highest is not None and end.highest.shape == lengths.shape]
    if len(of_ends) < len(ends):
        return False
    highest = np.max(of_ends, axis=0)
    with_edges = highest >= 0
    last = (highest == lengths - 1)[with_edges]
    return bool((highest < lengths)[with_edges].all() and len(last) and last.mean() >= _LEAST_LAST)


def _is_place(summary: Summary) -> bool:
    return summary.column.level == "particles" and summary.column.dtype.kind in "iu" and summary.low >= -1


def _is_flag(summary: Summary) -> bool:
    return {0, 1} <= {*summary.distinct} <= {-1, 0, 1}
