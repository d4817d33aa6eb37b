"""The nodes of a parsed expression, and their values for columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.data.expressions.functions import REDUCTIONS, Function
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Apply:
    """A function of each value."""

    function: Function
    arguments: tuple[Node, ...]
    exact: bool = False  # a comparison or a condition, which needs no conversion to double precision


@dataclass(frozen=True)
class Reduce:
    """A function of the particles of an example."""

    name: str
    argument: Node


Node = Number | Name | Apply | Reduce


@dataclass(frozen=True)
class Expression:
    """A parsed expression; `parse` makes them.

    Parameters
    ----------
    text : as it was written.
    key : of the configuration that it is the value of, for messages.
    tree : its nodes.
    names : of the columns in it, each once.
    """

    text: str
    key: str
    tree: Node
    names: tuple[str, ...]

    def check(self, per_particle: Mapping[str, bool]) -> bool:
        """Whether the result is one value per particle, not per example.

        Parameters
        ----------
        per_particle : for each column of the file, whether it has one value per particle.

        Raises
        ------
        ConfigError : a column is unknown, or particles are summed over where there is one value per example.
        """
        for name in self.names:
            if name not in per_particle:
                close = did_you_mean(name, per_particle)
                raise ConfigError(f"{self.key}: no column '{name}' in '{self.text}'{close}")
        return self._per_particle(self.tree, per_particle)

    def evaluate(self, columns: Mapping[str, Values], n: int, where: str = "", first: int = 0) -> Values:
        """The value for each example, or each particle.

        Parameters
        ----------
        columns : those in `names`, of the same examples.
        n : number of examples.
        where, first : the file, and the row in it of the first of these examples, for messages.

        Raises
        ------
        DataError : an example has different numbers of particles in two columns.
        """
        if isinstance(self.tree, Name):
            return columns[self.tree.name]
        try:
            with np.errstate(all="ignore"):
                found = _computed(self.tree, columns)
        except _Meet as error:
            raise DataError(f"{where}{': ' * bool(where)}row {error.say(first)} in '{self.text}'") from None
        return Values(np.full(n, found.values) if found.values.ndim == 0 else found.values, found.offsets)

    def _per_particle(self, node: Node, columns: Mapping[str, bool]) -> bool:
        match node:
            case Name(name):
                return columns[name]
            case Apply(_, arguments):
                levels = [self._per_particle(argument, columns) for argument in arguments]  # checks all of them
                return any(levels)
            case Reduce(name, argument):
                if not self._per_particle(argument, columns):
                    raise ConfigError(
                        f"{self.key}: {name}() in '{self.text}' is over the particles of an example; expected a "
                        "column with a value per particle"
                    )
        return False


@dataclass(frozen=True)
class _Computed(Values):
    """A number (values of no dimension), one value per example, or, with offsets, one per particle.

    Parameters
    ----------
    of : a column of the same particles, for messages.
    """

    of: str = ""


class _Meet(Exception):
    """Two columns that meet in a function have different numbers of particles."""

    def say(self, first: int) -> str:
        a, b = self.args
        n, m = np.diff(a.offsets), np.diff(b.offsets)
        row = int(np.argmax(n != m))
        return f"{first + row} has {n[row]} values of {a.of} but {m[row]} of {b.of}, expected the same number"


def _computed(node: Node, columns: Mapping[str, Values]) -> _Computed:
    match node:
        case Number(value):
            return _Computed(np.asarray(value, np.float64))
        case Name(name):
            return _Computed(columns[name].values, columns[name].offsets, name)
        case Reduce(name, argument):
            found = _computed(argument, columns)
            return _Computed(REDUCTIONS[name](_double(found.values), found.bounds))
    parts = [_computed(argument, columns) for argument in node.arguments]
    of_particles = [part for part in parts if part.offsets is not None]
    for other in of_particles[1:]:
        if other.offsets is not of_particles[0].offsets and not np.array_equal(other.bounds, of_particles[0].bounds):
            raise _Meet(of_particles[0], other)
    numbers = []
    for part in parts:
        values = part.values if node.exact else _double(part.values)
        if of_particles and part.offsets is None and values.ndim:
            values = np.repeat(values, of_particles[0].counts)
        numbers.append(values)
    leader = of_particles[0] if of_particles else _Computed(numbers[0])
    return _Computed(node.function(*numbers), leader.offsets, leader.of)


def _double(values: NDArray) -> NDArray[np.float64]:
    return values.astype(np.float64, copy=False)
