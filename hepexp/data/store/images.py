"""Images as non-zero pixels: their columns, and conversion from and to dense arrays."""

from __future__ import annotations

import math

import numpy as np

from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout, Ragged, offsets_of


def images(channels: int, rows: int, columns: int, value: Limits, **extras: Limits) -> Layout:
    """Layout of images as non-zero pixels; position = (channel * rows + row) * columns + column, in ascending order.

    Parameters
    ----------
    value : limits of a pixel's value.
    extras : additional float32 columns with one value per image, with their limits.
    """
    shape = (channels, rows, columns)
    allowed = {"position": Limits(0, math.prod(shape) - 1, whole=True), "value": value, **extras}
    kinds = {"position": np.uint16, "value": np.float32}
    return Layout(kinds, dict.fromkeys(extras, np.float32), shape, allowed)


def from_dense(label: np.ndarray, dense: np.ndarray, **extras: np.ndarray) -> Ragged:
    """Images (n, channels, rows, columns) as non-zero pixels.

    Parameters
    ----------
    label : (n,) integers.
    extras : additional columns (n,) of the layout.
    """
    flat = dense.reshape(len(dense), -1)
    image, position = np.nonzero(flat)
    return Ragged(
        label.astype(np.int8),
        offsets_of(np.bincount(image, minlength=len(flat))),
        {"position": position.astype(np.uint16), "value": flat[image, position].astype(np.float32)},
        {name: column.astype(np.float32) for name, column in extras.items()},
    )


def to_dense(images: Ragged, shape: tuple[int, int, int]) -> np.ndarray:
    """Non-zero pixels as images (n, channels, rows, columns) float32."""
    size = math.prod(shape)
    dense = np.zeros(len(images) * size, np.float32)
    dense[np.repeat(np.arange(len(images)) * size, images.counts) + images["position"]] = images["value"]
    return dense.reshape(-1, *shape)
