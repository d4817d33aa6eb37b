"""What the trials of a sweep had for keys that became part of its space later: the value of the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from hepexp.config import front
from hepexp.sweep.space import Dimension


class OfBase:
    """The values that the base and the files gave to keys of the space before they were part of it.

    Parameters
    ----------
    base : overrides of every trial.
    dimensions : the space.
    """

    def __init__(self, base: Sequence[str], dimensions: Sequence[Dimension]) -> None:
        self._base, self._dimensions = base, dimensions
        self._groups = [d.key for d in dimensions if d.kind == "choice" and "." not in d.key]
        self._known: dict[tuple[str, ...], dict[str, Any]] = {}

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        """Those of a trial with these parameters: in the words of the space, if it includes them.

        A value that follows from another key is left out.
        """
        options = tuple(f"{key}={params[key]}" for key in self._groups if key in params)
        if options not in self._known:
            config = front.compose([*self._base, *options])[0]
            found = {dimension.key: _within(dimension, _value(config, dimension.key)) for dimension in self._dimensions}
            self._known[options] = {key: value for key, value in found.items() if value is not None}
        return self._known[options]


def _value(config: DictConfig, key: str) -> Any:
    """The option of a group, or the value of a key; None for one that there is not, or that is computed."""
    if option := config.hydra.runtime.choices.get(key):
        return option
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig) or name not in node or OmegaConf.is_interpolation(node, name):
        return None
    value = node[name]
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value


def _within(dimension: Dimension, value: Any) -> Any:
    """The value as the dimension has it: the text of a choice, a number; else as text."""
    if dimension.kind == "choice":
        return next((text for text in dimension.values if text == value or _read(text) == value), _text(value))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _text(value)


def _read(text: str) -> Any:
    try:
        return float(text)  # YAML takes 1e-3 for a string
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
