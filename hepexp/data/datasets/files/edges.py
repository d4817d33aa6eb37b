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
    names = {end: one.text for end, one in keys.of_edges.items()}
    source, target = (values(one) for one in keys.of_edges.values())
    if not np.array_equal(source.offsets, target.offsets):
        row = int(np.argmax(source.counts != target.counts))
        raise DataError(
            f"{path}: row {chunk.first + row} has {source.counts[row]} values of '{names['source']}' but "
            f"{target.counts[row]} of '{names['target']}', expected both ends of each edge"
        )
    ends = {"source": source.values, "target": target.values}
    edges = Ragged(np.zeros(chunk.n, np.int8), source.offsets.astype(np.int64), ends)
    used = np.repeat(kept, edges.counts)
    if is_padded:
        used &= ~((source.values == -1) & (target.values == -1))
    raw = replace(examples, edges=edges.keep(used))
    refuse = Refusal(raw, str(path), chunk.first, noun="row")
    refuse.of_edges(names=names)
    refuse.finish()
    return replace(raw, edges=raw.edges.cast(Layout(ENDS)))
