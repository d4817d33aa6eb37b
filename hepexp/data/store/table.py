"""Examples from a table in memory with one row per example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hepexp.data.store.check import refuse_rows
from hepexp.data.store.ragged import Layout, Ragged, offsets_of
from hepexp.errors import DataError

ORIGIN = "the table"  # in messages, where a file would be named


def examples_of(layout: Layout, columns: Mapping[str, Sequence[Any]]) -> Ragged:
    """The examples of a table, unchecked, with numbers of any type and all labels 0.

    Parameters
    ----------
    layout : of the examples.
    columns : those of the layout except the label; a list of numbers per example for elements, a number for extras.

    Raises
    ------
    DataError : a column is missing or does not hold numbers, or two lists of an example have different lengths.
    """
    if absent := [name for name in layout.names[1:] if name not in columns]:
        lists = ", ".join((*layout.elements, *layout.edge_names))
        raise DataError(
            f"{ORIGIN} has no column {absent[0]} (columns: {', '.join(map(str, columns))}); expected one row per "
            f"example with {lists} as lists{_and_numbers(layout)}"
        )
    examples = _of_lists({name: columns[name] for name in layout.elements})
    examples.extras = {name: _numbers(np.asarray(columns[name]), name) for name in layout.extras}
    if layout.edges:
        edges = _of_lists({stored: columns[stored] for stored in layout.edge_names})
        examples.edges = replace(edges, elements=dict(zip(layout.edges, edges.elements.values(), strict=True)))
    return examples


def _of_lists(lists: Mapping[str, Sequence[Any]]) -> Ragged:
    """Examples with these columns of elements, which must be of one length in each of them."""
    first, *others = lists
    counts = _lengths(lists[first], first)
    for name in others:
        differs = _lengths(lists[name], name) != counts
        refuse_rows(ORIGIN, 0, differs, f"has lists of different lengths in {first} and {name}")
    elements = {name: _numbers(_flat(column), name) for name, column in lists.items()}
    return Ragged(np.zeros(len(counts), np.int8), offsets_of(counts), elements)


def _and_numbers(layout: Layout) -> str:
    return f" and {', '.join(layout.extras)} as numbers" if layout.extras else ""


def _lengths(column: Sequence[Any], name: str) -> np.ndarray:
    try:
        return np.array([len(value) for value in column], np.int64)
    except TypeError as error:
        raise DataError(f"{ORIGIN}: column {name} must hold a list of numbers in each row: {error}") from error


def _flat(column: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.zeros(0), *map(np.asarray, column)])


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    if not np.issubdtype(values.dtype, np.number):
        raise DataError(f"{ORIGIN}: column {name} must hold numbers, got {values.dtype}")
    return values
