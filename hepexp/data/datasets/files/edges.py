"""Edges between the particles of an example, as two columns of a user's file give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.files.keys import Keys
from hepexp.data.expressions.expression import Expression
from hepexp.data.store.check import Refusal
from hepexp.data.store.ragged import ENDS, Layout, Ragged
from hepexp.data.tables.table import Chunk, Table
from hepexp.data.transforms.carry import UNKNOWN
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError


def refuse_padding_of_particles(table: Table, keys: Keys) -> None:
    """Refuse arrays of edges as long as those of particles, if further arrays tell where their padding begins.

    Raises
    ------
    ConfigError : names the column.
    """
    momenta = [one for one in keys.momenta.values() if isinstance(one, Expression)]
    lengths = {table.columns[name].shape for one in momenta for name in one.names}
    ends = [name for one in keys.of_edges.values() for name in one.names]
    for expression in keys.of_edges.values():
        for name in expression.names:
            column = table.columns[name]
            others = sorted(one for one in column.needs if not any(f"{end}.".startswith(f"{one}.") for end in ends))
            if column.shape and column.shape in lengths and others:
                raise ConfigError(
                    f"{expression.key}: '{name}' is padded to {column.shape[0]} in {table.path}, as particles are, so "
                    f"that '{others[0]}' would say where it ends; expected another length, or lists"
                )


def with_edges(
    examples: Ragged,
    keys: Keys,
    values: Callable[[Expression], Values],
    chunk: Chunk,
    path: Path,
    kept: NDArray[np.bool_],
    is_padded: bool,
) -> Ragged:
    """The examples with the edges of those that are kept, whose ends must be among their particles.

    Parameters
    ----------
    examples : of the chunk, with all particles.
    values : gives the value of an expression in the chunk.
    kept : (n,) examples that are used.
    is_padded : whether the file pads edges to a fixed length, so that -1 at both ends stands for none.

    Raises
    ------
    DataError : names the file, the row and the column.
    """
    names = {name: one.text for name, one in keys.of_edges.items()}
    found = {name: values(one) for name, one in keys.of_edges.items()}
    source = found["source"]
    for name, one in found.items():
        if not np.array_equal(source.bounds, one.bounds):
            row = int(np.argmax(source.counts != one.counts))
            raise DataError(
                f"{path}: row {chunk.first + row} has {source.counts[row]} values of '{names['source']}' but "
                f"{one.counts[row]} of '{names[name]}', expected one for each edge"
            )
    columns = {name: one.values for name, one in found.items()}
    edges = Ragged(np.zeros(chunk.n, np.int8), source.bounds.astype(np.int64), columns)
    used = np.repeat(kept, edges.counts)
    if is_padded:
        used &= ~((columns["source"] == -1) & (columns["target"] == -1))
    edges = edges.keep(used)
    raw = replace(examples, edges=edges)
    refuse = Refusal(raw, str(path), chunk.first, noun="row")
    refuse.of_edges(names={end: names[end] for end in ENDS})
    for name in names.keys() - ENDS:
        edges.elements[name] = _labels(edges[name])
        refuse.of_edge_labels(name, names[name])
    refuse.finish()
    return replace(raw, edges=edges.cast(Layout(types_of_edges(keys))))


def _labels(column: NDArray) -> NDArray:
    """Labels (k,) of edges, UNKNOWN where they are negative or NaN."""
    return np.where(column >= 0, column, UNKNOWN)


def loops_for_lost_ends(examples: Ragged, chosen: NDArray[np.bool_]) -> Ragged:
    """The edges with their ends among the chosen particles (m,), all of them, so that each keeps its place.

    One that loses a particle becomes a loop, which no model gets, of the other one or the first that is left. Where no
    particle is left, there are no edges.
    """
    edges, before = examples.given_edges, np.concatenate([[0], np.cumsum(chosen)])
    first = np.repeat(examples.offsets[:-1], edges.counts)
    ends = {end: edges[end] + first for end in ENDS}
    there = {end: chosen[place] for end, place in ends.items()}
    places = {end: np.where(there[end], before[place] - before[first], 0) for end, place in ends.items()}
    source, target = places["source"], places["target"]
    places = {
        "source": np.where(there["source"] | ~there["target"], source, target),
        "target": np.where(there["target"] | ~there["source"], target, source),
    }
    found = replace(edges, elements=edges.elements | {end: places[end].astype(kind) for end, kind in ENDS.items()})
    left = np.diff(before[examples.offsets]) > 0
    return found.keep(np.repeat(left, edges.counts))


def types_of_edges(keys: Keys) -> dict[str, type]:
    """The columns that edges have in the store; empty if there are none."""
    return {name: ENDS.get(name, np.int8) for name in keys.of_edges}
