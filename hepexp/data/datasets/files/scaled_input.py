"""One number that a model gets of a user's file, and how it is scaled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from hepexp.config.suggest import did_you_mean
from hepexp.data.expressions.parse import parse
from hepexp.errors import ConfigError

Text = str | int | float
DEFAULT_CLIP = (-5.0, 5.0)  # of what is standardised: the tails of an impact parameter are thousands of widths away
_OF_INPUT = ("expr", "shift", "scale", "clip", "pad")


@dataclass(frozen=True)
class Input:
    """One input of a model, and how it is scaled.

    Parameters
    ----------
    expr : an expression of columns.
    shift, scale : the value becomes (value - shift) / scale; None to take both from the training examples.
    clip : range to which the scaled value is clipped; None for no limit. The default of a configuration is
        `DEFAULT_CLIP` where the scale is fitted, and none where it is given.
    pad : the scaled value where the column is NaN or infinite, as a missing one is; None to refuse these.
    """

    expr: str
    shift: float | None = None
    scale: float | None = None
    clip: tuple[float, float] | None = None
    pad: float | None = None


def inputs_of(key: str, given: Sequence[object]) -> tuple[Input, ...]:
    """The inputs that a list of expressions, or of mappings with expr, shift, scale, clip and pad, describes.

    Raises
    ------
    ConfigError : an item is neither.
    """
    return tuple(_input(f"dataset.{key}[{i}]", item) for i, item in enumerate(given))


def _input(key: str, item: object) -> Input:
    if not isinstance(item, Mapping):
        return Input(parse(item, key).text, clip=DEFAULT_CLIP)
    for name in item:
        if name not in _OF_INPUT:
            close = did_you_mean(str(name), _OF_INPUT)
            raise ConfigError(f"{key}: unknown key '{name}'{close} (keys: {', '.join(_OF_INPUT)})")
    if "expr" not in item:
        raise ConfigError(f"{key} has no expr; expected such as {{expr: log(part_pt), clip: [-5, 5]}}")
    shift, scale, pad = (_number(f"{key}.{name}", item.get(name)) for name in ("shift", "scale", "pad"))
    if scale is not None and scale <= 0:
        raise ConfigError(f"{key}.scale must be > 0, got {scale}")
    if shift is not None or scale is not None:
        shift, scale = shift or 0.0, scale or 1.0
    clip = item.get("clip", DEFAULT_CLIP if scale is None else None)
    if clip is not None and not (
        isinstance(clip, list | tuple) and len(clip) == 2 and all(map(is_number, clip)) and clip[0] < clip[1]
    ):
        raise ConfigError(f"{key}.clip must be [low, high] with low < high, got {clip}")
    return Input(parse(item["expr"], f"{key}.expr").text, shift, scale, (clip[0], clip[1]) if clip else None, pad)


def _number(key: str, value: object) -> float | None:
    if value is None or is_number(value):
        return value
    raise ConfigError(f"{key} must be a number, got {value!r}")


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a configuration is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
