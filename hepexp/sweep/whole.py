"""Which keys of a sweep take whole numbers, as their signatures say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hepexp.config import front, schema
from hepexp.config.annotations import matches
from hepexp.sweep.space import WHOLE, Dimension

if TYPE_CHECKING:
    from omegaconf import DictConfig


def whole(base: Sequence[str], dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
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
        front.compose([*base, *(group.override(group.values[place % len(group.values)]) for group in groups)])[0]
        for place in range(max((len(group.values) for group in groups), default=1))
    ]
    return tuple(
        dimension.of_whole_numbers() if any(takes_whole(config, dimension.key) for config in examples) else dimension
        for dimension in dimensions
    )


def takes_whole(config: DictConfig, key: str) -> bool:
    """Whether a key takes whole numbers and no others."""
    *path, name = key.split(".")
    node = config
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
