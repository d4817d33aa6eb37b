"""How images are drawn: one map per channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hepexp.data.pictures.view import Channel, Maps, colour_bar, colours, masked, show_map
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ImageView:
    """Drawings of images.

    Parameters
    ----------
    shape : (channels, rows, columns).
    channels : the channels, in order.
    axes : labels of the directions along rows and columns, with units; None if the directions have no scale.
    cell : size of a pixel in these units.
    centre : row and column of the pixel at the origin; by default the middle.
    """

    shape: tuple[int, int, int]
    channels: tuple[Channel, ...]
    axes: tuple[str, str] | None = None
    cell: float = 1.0
    centre: int | None = None

    @property
    def panels(self) -> int:
        return len(self.channels)

    @property
    def edges(self) -> tuple[float, float, float, float]:
        rows, columns = self.shape[1:]
        middle = [(size - 1) / 2 if self.centre is None else self.centre for size in (rows, columns)]
        low, left = ((-0.5 - zero) * self.cell for zero in middle)
        return (low, low + rows * self.cell, left, left + columns * self.cell)

    def maps(self, examples: Ragged) -> tuple[Maps, Maps]:
        size = int(np.prod(self.shape))
        total = np.bincount(examples["position"], examples["value"], minlength=size)
        hits = np.bincount(examples["position"], examples["value"] != 0, minlength=size)
        return np.asarray(total, float).reshape(self.shape), np.asarray(hits, float).reshape(self.shape)

    def draw(self, axes: Sequence[Axes], examples: Ragged, panel: int) -> None:
        channel = self.channels[panel]
        images = [masked(channel, image) for image in to_dense(examples, self.shape)[:, panel]]
        shared = colours(channel, *images)
        for place, image in zip(axes, images, strict=True):
            shown = show_map(place, self, image, shared)
        colour_bar(shown, axes, channel.label)

    def legend(self, drawing: Figure, examples: Ragged) -> None:
        """Draw nothing: the colour bars serve as the legend."""
