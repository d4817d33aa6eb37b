"""Examples of a user's file, as the keys of `data=files` describe them, in a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.files import pixels
from hepexp.data.datasets.files.classes import OF_PARTICLE, is_true
from hepexp.data.datasets.files.edges import (
    loops_for_lost_ends,
    refuse_padding_of_particles,
    types_of_edges,
    with_edges,
)
from hepexp.data.datasets.files.keys import Keys
from hepexp.data.expressions.expression import Expression, Name
from hepexp.data.physics.observables import OBSERVABLES
from hepexp.data.store.ragged import NO_LABEL, PLACE_READ, Layout, Ragged
from hepexp.data.tables.table import ROWS_AT_ONCE, Chunk, Table
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError

Evaluate = Callable[[Expression], Values]
ITSELF = "itself"  # the only element of an example without particles


@dataclass(frozen=True)
class Columns:
    """The keys, and the types that their columns have in a file.

    Parameters
    ----------
    keys : what is read.
    of_examples, of_particles : types by the text of the expression.
    shape : (channels, rows, columns) of images; None if there are none.
    numbered : whether each particle has its place in the file; None as the keys need it.
    """

    keys: Keys
    of_examples: Mapping[str, type]
    of_particles: Mapping[str, type]
    shape: tuple[int, int, int] | None = None
    numbered: bool | None = None

    @property
    def layout(self) -> Layout:
        if self.shape is not None:
            return Layout(pixels.types(self.shape), self.of_examples, self.shape)
        labels = {OF_PARTICLE: np.int8} if self.keys.of_particle_class else {}
        numbered = self.keys.numbers_particles if self.numbered is None else self.numbered
        places = {PLACE_READ: np.int32} if numbered else {}
        elements = {**self.of_particles, **labels, **places} or {ITSELF: np.int8}
        return Layout(elements, self.of_examples, edges=types_of_edges(self.keys))


def columns_in(table: Table, keys: Keys) -> Columns:
    """The columns of a file that the keys ask for, without reading them.

    Raises
    ------
    ConfigError : a column is missing, or has a value per particle where one per example belongs, or the reverse.
    """
    examples = {}
    for text, expression in keys.of_examples.items():
        if keys.p4 and expression.text in OBSERVABLES and expression.text not in table.columns:
            continue  # of the particles, computed when it is needed
        _require_level(table, expression, per_particle=False)
        examples[text] = _type(table, expression, wide=text in {*keys.untouched, *keys.targets, keys.weight})
    exact = {one.text for one in keys.momenta.values() if isinstance(one, Expression)}
    need_particles = {*exact, *keys.element_targets, *keys.pair_targets}
    particles = {}
    for text, expression in keys.of_particles.items():
        is_per_particle = _require_level(
            table, expression, per_particle=text in need_particles, needs_particles=bool(keys.p4)
        )
        kind = _type(table, expression, wide=text in exact)
        if is_per_particle:
            particles[text] = kind
        else:
            examples.setdefault(text, kind)
    for key, expression in keys.cuts.items():
        _require_level(table, expression, per_particle=key == "particle_selection")
    for expression in keys.of_class.expressions.values():
        _require_level(table, expression, per_particle=False)
    for expression in keys.of_particle_class.expressions.values():
        _require_level(table, expression, per_particle=True)
    for expression in keys.of_edges.values():
        _require_level(table, expression, per_particle=True, what="edge")
    refuse_padding_of_particles(table, keys)
    return Columns(keys, examples, particles, pixels.shape_in(table, keys) if keys.pixels else None)


def names_in(table: Table, keys: Keys) -> list[str]:
    """Names of all columns of a file that the keys refer to, in the file's order."""
    expressions = [*keys.of_examples.values(), *keys.of_particles.values(), *keys.conditions, *keys.of_edges.values()]
    asked = {name for one in expressions for name in one.names} | {*pixels.names(keys)}
    return [name for name in table.columns if name in asked]


def _require_level(
    table: Table, expression: Expression, per_particle: bool, needs_particles: bool = False, what: str = "particle"
) -> bool:
    """Refuse an expression with a value per example where one per particle belongs, or the reverse; which it is."""
    try:
        is_per_particle = table.check(expression)
    except ConfigError as error:
        where = "" if str(table.path) in str(error) else f"{table.path}: "
        raise ConfigError(f"{where}{error}") from None
    if is_per_particle and not per_particle and not needs_particles:
        raise ConfigError(
            f"{expression.key}: '{expression.text}' has a value for each particle in {table.path}; expected one for "
            "each example, such as sum(...) or max(...)"
        )
    if per_particle and not is_per_particle:
        raise ConfigError(
            f"{expression.key}: '{expression.text}' has one value for each example in {table.path}; expected one for "
            f"each {what}"
        )
    return is_per_particle


def _type(table: Table, expression: Expression, wide: bool) -> type:
    """The type that is stored: a column's own, or that of a computed value."""
    if not isinstance(expression.tree, Name):
        return np.float64 if wide else np.float32
    kind = table.columns[expression.tree.name].dtype
    if kind.kind == "b":
        return np.int8
    if kind.kind == "f" and kind.itemsize not in (4, 8):
        return np.float32 if kind.itemsize < 4 else np.float64
    return kind.type


class Reader:
    """The examples of one file.

    Parameters
    ----------
    columns : what is read, as in the first of the files.
    table : the file.
    label : of all its examples; None if it follows from the columns.
    is_to_score : whether the examples are to be scored: then none is dropped, and the class may be unknown.

    Attributes
    ----------
    yields : number of examples before any selection and after each one so far, by the name of the selection.

    Raises
    ------
    DataError : the file has other columns than the first one, or cannot be read.
    """

    def __init__(self, columns: Columns, table: Table, label: int | None = None, is_to_score: bool = False) -> None:
        self.table, self.path, self.label, self.is_to_score = table, table.path, label, is_to_score
        keys = columns.keys.to_score(self.table.columns) if is_to_score else columns.keys
        try:
            its = columns_in(self.table, keys)
        except ConfigError as error:
            raise DataError(str(error)) from None
        of_examples = {name: kind for name, kind in columns.of_examples.items() if name in keys.of_either}
        of_particles = {name: kind for name, kind in columns.of_particles.items() if name in keys.of_particles}
        if is_to_score:  # what no model sees stays as it is
            unseen = {*keys.untouched, *keys.event_id} - {one.expr for one in (*keys.extras, *keys.features)}
            of_examples |= {name: kind for name, kind in its.of_examples.items() if name in unseen}
        self._numbered = columns.keys.numbers_particles  # also where a file to be scored lacks what is predicted
        self.keys, self.columns = keys, Columns(keys, of_examples, of_particles, columns.shape, self._numbered)
        for name, kind in {**of_examples, **of_particles}.items():
            found = {**its.of_examples, **its.of_particles}.get(name)
            if found is kind or (found is not None and is_to_score and np.can_cast(found, kind, "same_kind")):
                continue
            got = "no such column" if found is None else np.dtype(found).name
            raise DataError(f"{self.path}: '{name}' is {got}, but {np.dtype(kind).name} in the first file")
        if its.shape != columns.shape:
            raise DataError(
                f"{self.path}: '{', '.join(keys.pixels)}' has images of {its.shape} (channels, rows, columns), but "
                f"{columns.shape} in the first file"
            )
        ends = [table.columns[name] for one in keys.of_edges.values() for name in one.names]
        self._pads_edges = any(column.shape for column in ends)
        self.yields: dict[str, int] = {}

    def __iter__(self) -> Iterator[tuple[Ragged, NDArray[np.int64]]]:
        """Examples, and the rows of the file that they are."""
        shape = self.columns.shape
        rows = ROWS_AT_ONCE if shape is None else pixels.rows_at_once(shape)
        for chunk in self.table.batches(names_in(self.table, self.keys), rows):
            yield self._examples(chunk)

    def _examples(self, chunk: Chunk) -> tuple[Ragged, NDArray[np.int64]]:
        def values(expression: Expression) -> Values:
            return expression.evaluate(chunk.columns, chunk.n, str(self.path), chunk.first)

        extras = {text: values(self.keys.of_either[text]).values for text in self.columns.of_examples}
        offsets, elements = self._particles(chunk, values)
        kept = np.ones(chunk.n, bool)
        self._count("in the files", kept)
        if not self.is_to_score and "selection" in self.keys.cuts:
            kept &= is_true(values(self.keys.cuts["selection"]))
            self._count(f"selection: {self.keys.selection}", kept)
        label = self._label(chunk, values, kept)
        if not self.is_to_score and self.keys.of_class and self.keys.label is None:
            kept &= label != NO_LABEL
            self._count("in one of the classes", kept)
        cut = self.keys.cuts.get("particle_selection")
        chosen = None if cut is None else is_true(values(cut))
        if self.keys.of_particle_class:
            used = np.repeat(kept, np.diff(offsets)) & (True if chosen is None else chosen)
            elements[OF_PARTICLE] = self._label_of_particles(chunk, values, offsets, used)
        if self._numbered:
            elements[PLACE_READ] = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1], np.diff(offsets))
        examples = Ragged(label, offsets, elements, extras)
        if self.keys.edges:
            examples = with_edges(examples, self.keys, values, chunk, self.path, kept, self._pads_edges)
        if chosen is not None:
            edges = loops_for_lost_ends(examples, chosen) if self._numbered and self.keys.edges else None
            examples = examples.keep(chosen)
            examples = examples if edges is None else replace(examples, edges=edges)
        if not self.is_to_score and self.keys.p4:
            kept &= examples.counts > 0
            self._count("with particles", kept)
        rows = np.flatnonzero(kept)
        return (examples if kept.all() else examples.take(rows)), chunk.first + rows

    def _count(self, what: str, kept: NDArray[np.bool_]) -> None:
        self.yields[what] = self.yields.get(what, 0) + int(kept.sum())

    def _particles(self, chunk: Chunk, values: Evaluate) -> tuple[NDArray[np.int64], dict[str, NDArray]]:
        if self.columns.shape is not None:
            return pixels.lit(chunk, self.keys, self.columns.shape)
        if not self.columns.of_particles:
            return np.arange(chunk.n + 1), {ITSELF: np.zeros(chunk.n, np.int8)}
        found = {text: values(self.keys.of_particles[text]) for text in self.columns.of_particles}
        first = next(text for text, one in found.items() if one.offsets is not None)
        offsets, elements = found[first].bounds, {}
        for text, one in found.items():
            self._require_same(chunk, first, offsets, text, one)
            elements[text] = one.values
        if (cut := self.keys.cuts.get("particle_selection")) is not None:
            its = values(cut).offsets
            if its is None or not np.array_equal(its, offsets):
                raise DataError(f"{self.path}: dataset.particle_selection is not about the particles of '{first}'")
        return offsets.astype(np.int64), elements

    def _require_same(self, chunk: Chunk, first: str, offsets: NDArray[np.int64], text: str, other: Values) -> None:
        """Refuse a column that has another number of values in an example than `first`, which has these offsets."""
        if not np.array_equal(other.bounds, offsets):
            a, b = np.diff(offsets), other.counts
            row = int(np.argmax(a != b))
            raise DataError(
                f"{self.path}: row {chunk.first + row} has {a[row]} values of '{first}' but {b[row]} of '{text}', "
                "expected the same number"
            )

    def _label(self, chunk: Chunk, values: Evaluate, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The class of each example; of those that are kept, it must be one of the classes."""
        if self.label is not None or not self.keys.of_class:
            return np.full(chunk.n, NO_LABEL if self.label is None else self.label)
        return self.keys.of_class.labels(
            values, kept, lambda row: f"{self.path}: row {chunk.first + row}", may_be_unknown=self.is_to_score
        )

    def _label_of_particles(
        self, chunk: Chunk, values: Evaluate, offsets: NDArray[np.int64], used: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """The class of each particle; of those that are used, it must be one of the classes."""
        classes = self.keys.of_particle_class
        for one in classes.expressions.values():
            self._require_same(chunk, next(iter(self.columns.of_particles), ITSELF), offsets, one.text, values(one))

        def where(particle: int) -> str:
            return f"{self.path}: row {chunk.first + int(np.searchsorted(offsets, particle, side='right')) - 1}"

        return classes.labels(values, used, where, may_be_unknown=self.is_to_score)
