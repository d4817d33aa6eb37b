"""The part of each image that is read: some channels, and a square in its centre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError


class Crop(Transform):
    """Selects channels and a central square of images given as non-zero pixels.

    An image with no non-zero pixel in the selection becomes empty.

    Parameters
    ----------
    shape : (channels, rows, columns) of the stored images.
    channel_names : of the stored channels.
    channels : those to read, in their new order; None for all.
    crop : size in pixels of the central square to read; None for the whole image.

    Attributes
    ----------
    shape : (channels, rows, columns) of the selection.
    channel_names : of the selection.

    Raises
    ------
    ConfigError : a channel is unknown, or the crop is larger than the image.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        channel_names: tuple[str, ...],
        channels: Sequence[str] | None = None,
        crop: int | None = None,
    ) -> None:
        chosen = list(channel_names if channels is None else channels)
        if not chosen or set(chosen) - set(channel_names) or len(set(chosen)) < len(chosen):
            raise ConfigError(
                f"dataset.channels must be one or more of {', '.join(channel_names)}, each at most once, got {chosen}"
            )
        _, rows, columns = self.stored = shape
        if crop is not None and not 1 <= crop <= min(rows, columns):
            raise ConfigError(f"dataset.crop must be between 1 and {min(rows, columns)}, got {crop}")
        self.shape = (len(chosen), crop or rows, crop or columns)
        self.channel_names = tuple(chosen)
        self._is_whole = chosen == list(channel_names) and self.shape == shape
        self._new_channel = np.full(shape[0], -1)
        self._new_channel[[channel_names.index(name) for name in chosen]] = np.arange(len(chosen))
        self._first = ((rows - self.shape[1]) // 2, (columns - self.shape[2]) // 2)

    def __call__(self, examples: Ragged) -> Ragged:
        """Columns position (m,) int32, within the selection, and value (m,) float32."""
        if self._is_whole:
            position, inside = examples["position"].astype(np.int32), None
        else:
            channel, row, column = np.unravel_index(examples["position"], self.stored)
            channel, row, column = self._new_channel[channel], row - self._first[0], column - self._first[1]
            _, rows, columns = self.shape
            inside = (channel >= 0) & (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
            position = ((channel * rows + row) * columns + column).astype(np.int32)
        pixels = {"position": position, "value": examples["value"]}
        read = Ragged(examples.label, examples.offsets, pixels, examples.extras)
        return read if inside is None else read.keep(inside)
