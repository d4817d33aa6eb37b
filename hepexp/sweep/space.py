"""The space of a sweep: one dimension for each key, written as `log(1e-4, 1e-2)`."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hepexp.config import schema
from hepexp.config.annotations import matches
from hepexp.config.command_line import read
from hepexp.config.overrides import compose
from hepexp.errors import ConfigError
from hepexp.tracking.initial_weights import pinned_values

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from optuna.distributions import BaseDistribution

KINDS = "log(a, b), uniform(a, b), int(a, b), log-int(a, b) or choice(x, y, ...)"
WHOLE = {"uniform": "int", "log": "log-int"}  # the form of a key that takes whole numbers
LARGEST = 2**53  # beyond, a float does not tell one whole number from the next
_CALL = re.compile(r"\s*(log-int|log|uniform|int|choice)\s*\((.*)\)\s*", re.DOTALL)
MOST_CELLS = 1000  # of a grid: they are queued one by one
_COMMA = re.compile(r",(?![^\[\(\{]*[\]\)\}])")  # not those inside brackets


@dataclass(frozen=True)
class Dimension:
    """One key and its possible values.

    Parameters
    ----------
    key : of the configuration, e.g. `optimizer.lr`, or a group, e.g. `model`.
    kind : log, uniform, int, log-int or choice.
    values : both bounds, or the texts of all choices.
    """

    key: str
    kind: str
    values: tuple[Any, ...]

    @classmethod
    def read(cls, key: str, text: str) -> Dimension:
        """From the text after `sweep.space.KEY=`; `latest` and other runs become the files of their weights.

        Raises
        ------
        ConfigError : not one of the forms, bounds that are not numbers or in the wrong order, or no choice.
        """
        name = f"sweep.space.{key}"
        found = _CALL.fullmatch(str(text))
        if not found:
            raise ConfigError(f"{name} must be {KINDS}, got {text!r}")
        kind, inner = found[1], found[2]
        parts = [part.strip() for part in _COMMA.split(inner)] if inner.strip() else []
        if kind == "choice":
            parts = pinned_values(key, parts)
            if len(set(parts)) < len(parts) or not all(parts) or not parts:
                raise ConfigError(f"{name} needs distinct values, e.g. choice(32, 64), got {text!r}")
            return cls(key, kind, tuple(parts))
        whole = kind in WHOLE.values()
        try:
            low, high = (int(part) if whole else float(part) for part in parts)
        except ValueError as error:
            raise ConfigError(f"{name} needs two {'whole ' * whole}numbers, got {text!r}") from error
        if not low < high:
            raise ConfigError(f"{name} needs its lower bound first, got {text!r}")
        if not max(abs(low), abs(high)) < (LARGEST if whole else math.inf):
            raise ConfigError(f"{name} needs bounds below {'2^53' if whole else 'infinity'}, got {text!r}")
        if kind.startswith("log") and not low > 0:
            raise ConfigError(f"{name}: {kind} needs bounds > 0, got {text!r}")
        return cls(key, kind, (low, high))

    def of_whole_numbers(self) -> Dimension:
        """The same for a key that takes whole numbers: `log(16, 64)` is `log-int(16, 64)`.

        Raises
        ------
        ConfigError : a bound is not a whole number.
        """
        kind = WHOLE.get(self.kind, self.kind)
        if kind == self.kind:
            return self
        if any(not value.is_integer() for value in self.values):
            raise ConfigError(f"sweep.space.{self.key} takes whole numbers: give whole bounds, got {self}")
        return Dimension.read(self.key, f"{kind}({', '.join(str(int(value)) for value in self.values)})")

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(map(str, self.values))})"

    @property
    def distribution(self) -> BaseDistribution:
        """As Optuna names it."""
        from optuna import distributions

        if self.kind == "choice":
            return distributions.CategoricalDistribution(self.values)
        low, high = self.values
        if self.kind in WHOLE.values():
            return distributions.IntDistribution(low, high, log=self.kind == "log-int")
        return distributions.FloatDistribution(low, high, log=self.kind == "log")

    @property
    def grid(self) -> list[Any]:
        """Every value, for a grid.

        Raises
        ------
        ConfigError : there are infinitely many.
        """
        if self.kind == "choice":
            return list(self.values)
        if self.kind == "int":
            return list(range(self.values[0], self.values[1] + 1))
        raise ConfigError(f"sweep.sampler=grid needs choice or int, sweep.space.{self.key} is {self}")

    def override(self, value: Any) -> str:
        """`key=value` for the command line."""
        return f"{self.key}={value}"


def read_space(texts: dict[str, str]) -> tuple[Dimension, ...]:
    """All dimensions.

    Raises
    ------
    ConfigError : there is none, or one cannot be read.
    """
    if not texts:
        raise ConfigError(
            f"a sweep needs at least one sweep.space.KEY=FORM, with a key of the configuration and {KINDS}"
        )
    return tuple(Dimension.read(key, text) for key, text in texts.items())


def cells(dimensions: tuple[Dimension, ...]) -> list[dict[str, Any]]:
    """Every combination of values.

    Raises
    ------
    ConfigError : there are infinitely many, or too many.
    """
    grids = [dimension.grid for dimension in dimensions]
    number = math.prod(map(len, grids))
    if number > MOST_CELLS:
        raise ConfigError(f"sweep.sampler=grid takes up to {MOST_CELLS} combinations, got {number:,}; take random")
    keys = [dimension.key for dimension in dimensions]
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*grids)]


def with_whole_numbers(base: Sequence[str], dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """The dimensions, those of keys that take whole numbers as `int` or `log-int`.

    Parameters
    ----------
    base : overrides of every trial.

    Raises
    ------
    ConfigError : an override, a key or a choice is wrong, or a bound of such a key is not a whole number.
    """
    if not any(dimension.kind in WHOLE for dimension in dimensions):
        return tuple(dimensions)
    groups = [d for d in dimensions if d.kind == "choice" and "." not in d.key]
    examples = [
        compose(read([*base, *(group.override(group.values[place % len(group.values)]) for group in groups)]))
        for place in range(max((len(group.values) for group in groups), default=1))
    ]
    return tuple(
        dimension.of_whole_numbers() if any(takes_whole(config, dimension.key) for config in examples) else dimension
        for dimension in dimensions
    )


def takes_whole(config: DictConfig, key: str) -> bool:
    """Whether a key takes whole numbers and no others."""
    *path, name = key.split(".")
    node: Any = config
    for part in path:
        node = node.get(part) if hasattr(node, "get") else None
    if not hasattr(node, "get"):
        return False
    if target := node.get(schema.TARGET):
        parameter = schema.signature(target).parameters.get(name)
        annotation = parameter.annotation if parameter else None
        return annotation is not None and matches(1, annotation) and not matches(1.5, annotation)
    value = node.get(name)
    return isinstance(value, int) and not isinstance(value, bool)
