"""Images in a user's files: dense arrays, one for all channels or one for each, whose non-zero pixels are stored."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.data.datasets.files.keys import Keys
from hepexp.data.expressions.expression import Name
from hepexp.data.expressions.parse import parse
from hepexp.data.keys import require_different
from hepexp.data.store.ragged import offsets_of
from hepexp.data.tables.guess import channel_axis
from hepexp.data.tables.table import ROWS_AT_ONCE, Chunk, Table
from hepexp.errors import ConfigError

Shape = tuple[int, int, int]  # (channels, rows, columns)
_MOST_PIXELS = 2**22  # made dense at once: the places of the non-zero ones take 16 bytes each


def names(keys: Keys) -> list[str]:
    """Names of the columns that hold the images, without their backquotes."""
    found = []
    for text in keys.pixels:
        tree = parse(text, "dataset.pixels").tree
        if not isinstance(tree, Name):
            raise ConfigError(f"dataset.pixels must name columns, each an array of pixels per example, got '{text}'")
        found.append(tree.name)
    require_different("pixels", found)
    return found


def shape_in(table: Table, keys: Keys) -> Shape:
    """Shape of the images in a file.

    Raises
    ------
    ConfigError : a column is missing or is no array, or it is unclear which of its axes is that of the channels.
    """
    shapes = {}
    for name in names(keys):
        if name not in table.columns:
            close = did_you_mean(name, table.columns)
            raise ConfigError(f"dataset.pixels: no column '{name}' in {table.path}{close}")
        column = table.columns[name]
        if column.level != "array" or len(column.shape) not in (2, 3):
            levels = {"array": f"an array {column.shape}", "example": "a number", "particles": "a list"}
            got = levels[column.level]
            raise ConfigError(
                f"dataset.pixels: '{name}' is {got} in {table.path}; expected an array (rows, columns), or one with an "
                "axis of channels, per example"
            )
        shapes[name] = column.shape
    if len(shapes) == 1:
        return _with_channels(*shapes.popitem(), keys.channel_axis)
    if keys.channel_axis is not None:
        raise ConfigError(
            f"dataset.channel_axis must be null where each channel has its array, got {keys.channel_axis!r}"
        )
    first = next(iter(shapes))
    for name, shape in shapes.items():
        if len(shape) != 2 or shape != shapes[first]:
            raise ConfigError(
                f"dataset.pixels: '{name}' is an array {shape} and '{first}' {shapes[first]} in {table.path}; expected "
                "arrays (rows, columns) of one size, one for each channel"
            )
    rows, columns = shapes[first]
    return len(shapes), rows, columns


def _with_channels(name: str, shape: tuple[int, ...], axis: str | None) -> Shape:
    if axis not in (None, "first", "last"):
        raise ConfigError(f"dataset.channel_axis must be first, last or null, got {axis!r}")
    if len(shape) == 2:
        if axis is not None:
            raise ConfigError(f"dataset.channel_axis must be null, as '{name}' is an array {shape} without channels")
        rows, columns = shape
        return 1, rows, columns
    if axis is None:
        axis = channel_axis(shape)
        if axis is None:
            raise ConfigError(
                f"dataset.channel_axis must be first or last, as either may be that of the channels in '{name}', an "
                f"array {shape}"
            )
    a, b, c = shape
    return (a, b, c) if axis == "first" else (c, a, b)


def channel_names(pixels: Sequence[str], shape: Shape) -> tuple[str, ...]:
    """The names of the arrays, or of the array with a number for each channel in it."""
    plain = [name.strip("`") for name in pixels]
    return tuple(plain) if len(plain) == shape[0] else tuple(f"{plain[0]}[{i}]" for i in range(shape[0]))


def types(shape: Shape) -> dict[str, type]:
    """Types of the columns of the store: the position as in `hepexp.data.store.images`, and the value."""
    return {"position": np.uint16 if prod(shape) <= 2**16 else np.uint32, "value": np.float32}


def rows_at_once(shape: Shape) -> int:
    """Number of images to read at once."""
    return max(1, min(ROWS_AT_ONCE, _MOST_PIXELS // prod(shape)))


def lit(chunk: Chunk, keys: Keys, shape: Shape) -> tuple[NDArray[np.int64], dict[str, NDArray]]:
    """Offsets and columns of the non-zero pixels, NaN included, of some rows of a file."""
    arrays = [chunk.columns[name].values for name in names(keys)]
    dense = np.stack(arrays, axis=1) if len(arrays) > 1 else arrays[0]
    if len(arrays) == 1 and dense.ndim == 4 and (keys.channel_axis == "last" or dense.shape[1:] != shape):
        dense = np.moveaxis(dense, 3, 1)
    flat = np.ascontiguousarray(dense).reshape(chunk.n, -1)
    image, position = np.nonzero(flat)
    kinds = types(shape)
    columns: dict[str, NDArray] = {
        "position": position.astype(kinds["position"]),
        "value": flat[image, position].astype(kinds["value"]),
    }
    return offsets_of(np.bincount(image, minlength=chunk.n)), columns
