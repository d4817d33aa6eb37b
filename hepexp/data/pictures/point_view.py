"""How points in a plane are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hepexp.data.pictures.view import Channel, Maps, frame
from hepexp.data.store.ragged import Ragged
from hepexp.figures import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELLS = 50


@dataclass(frozen=True)
class PointView:
    """Drawings of points.

    Parameters
    ----------
    half : half the width of a picture, with the origin in its middle.
    columns : those drawn to the right and upwards.
    axes : their labels, with units.
    """

    half: float
    columns: tuple[str, str] = ("x", "y")
    axes: tuple[str, str] = ("$x$", "$y$")

    channels: ClassVar = (Channel("points per example and cell", scale="linear"),)
    panels: ClassVar = 1

    @property
    def edges(self) -> tuple[float, float, float, float]:
        return (-self.half, self.half, -self.half, self.half)

    def maps(self, examples: Ragged) -> tuple[Maps, Maps]:
        bins = np.linspace(-self.half, self.half, _CELLS + 1)
        across, up = self.columns
        hits, _, _ = np.histogram2d(examples[across], examples[up], bins=(bins, bins))
        return hits[None], hits[None]

    def draw(self, axes: Sequence[Axes], examples: Ragged, panel: int) -> None:
        across, up = (examples[name] for name in self.columns)
        for i, place in enumerate(axes):
            place.scatter(across[i], up[i], 40, COLOURS[int(examples.label[i]) % len(COLOURS)])
            frame(place, self)

    def legend(self, drawing: Figure, examples: Ragged) -> None:
        """Draw nothing: each panel shows one point, under the name of its class."""
