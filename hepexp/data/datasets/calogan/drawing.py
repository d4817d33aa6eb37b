"""How showers are drawn: the energy density of each layer, and their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hepexp.data.datasets.calogan.calorimeter import CELLS, READ_OUT
from hepexp.data.datasets.calogan.grid import SHAPE, FinestGrid
from hepexp.data.datasets.calogan.shapes import SHAPES, Showers
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.pictures.view import Channel, Maps, colour_bar, colours, masked, show_map
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PIXEL = READ_OUT**2 / (SHAPE[1] * SHAPE[2]) / 100  # cm2


@dataclass(frozen=True)
class LayersView:
    """A map of each layer, in which cells of different sizes have the same scale: MeV per square centimetre."""

    channels: tuple[Channel, ...] = tuple(Channel(f"layer {i}", "MeV / cm²") for i in range(len(CELLS)))
    axes: tuple[str, str] | None = ("x [mm]", "y [mm]")
    edges: tuple[float, float, float, float] = (-READ_OUT / 2, READ_OUT / 2) * 2

    @property
    def panels(self) -> int:
        return len(self.channels)

    def maps(self, examples: Ragged) -> tuple[Maps, Maps]:
        spread = FinestGrid()(examples)
        size = int(np.prod(SHAPE))
        total = np.bincount(spread["position"], spread["value"] / _PIXEL, minlength=size)
        hits = np.bincount(spread["position"], minlength=size).astype(np.float64)
        return np.asarray(total, float).reshape(SHAPE), hits.reshape(SHAPE)

    def draw(self, axes: Sequence[Axes], examples: Ragged, panel: int) -> None:
        channel = self.channels[panel]
        dense = to_dense(FinestGrid()(examples), SHAPE)[:, panel] / _PIXEL
        images = [masked(channel, image) for image in dense]
        shared = colours(channel, *images)
        for place, image in zip(axes, images, strict=True):
            shown = show_map(place, self, image, shared)
        colour_bar(shown, axes, channel.label)

    def legend(self, drawing: Figure, examples: Ragged) -> None:
        """Draw nothing: the colour bars serve as the legend."""


def quantities(examples: Ragged) -> Quantities:
    """The energy of the particle, what is outside the cells, and the shapes."""
    showers = Showers.of(examples)
    overflow = [examples[name].astype(np.float64) for name in examples.extras if name.startswith("overflow")]
    outside = np.sum(overflow, axis=0)
    found: Quantities = {"energy of the particle [GeV]": showers.incident, "outside the cells [MeV]": outside}
    return found | {shape.name: shape.of(showers) for shape in SHAPES.values()}


DRAWING = Drawing(quantities, LayersView())
