"""What a data set declares so that its examples can be drawn, without knowing how the page is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hepexp.data.ragged import Ragged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Maps = NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """One quantity of a picture.

    Parameters
    ----------
    name : of the quantity.
    unit : of a pixel's value, as words behind the name.
    scale : of the colours: `log` where values span decades, `linear`, or `signed` for a quantity around zero that only
        hit pixels have; its mean is over the hits.
    """

    name: str
    unit: str = ""
    scale: Literal["log", "linear", "signed"] = "log"

    @property
    def label(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit else self.name


class View(Protocol):
    """How the examples of a data set are drawn.

    Attributes
    ----------
    channels : quantities that each example has a picture of.
    axes : names of the two directions with their units; None where the pictures have no scale.
    edges : limits (first low, first high, second low, second high) of the pictures, in these units.
    panels : pictures that one example is drawn as.
    """

    channels: tuple[Channel, ...]
    axes: tuple[str, str] | None
    edges: tuple[float, float, float, float]
    panels: int

    def maps(self, examples: Ragged) -> tuple[Maps, Maps]:
        """Sums of values, and numbers of hits, over the examples, each (channels, first, second)."""

    def draw(self, axes: Sequence[Axes], examples: Ragged, panel: int) -> None:
        """Draw one panel of each example, all with the same scale."""

    def legend(self, drawing: Figure, examples: Ragged) -> None:
        """Say in the figure what colours and sizes of the examples mean."""


def frame(axes: Axes, view: View) -> None:
    """Limits and names of the two directions; the first runs to the right, as rapidity does."""
    first_low, first_high, second_low, second_high = view.edges
    if view.axes is None:
        axes.set(xlim=(second_low, second_high), ylim=(first_high, first_low), xticks=[], yticks=[], aspect="equal")
        axes.minorticks_off()
        return
    axes.set(xlim=(first_low, first_high), ylim=(second_low, second_high), aspect="equal")
    axes.set(xlabel=view.axes[0], ylabel=view.axes[1])
    axes.label_outer()


def show_map(axes: Axes, view: View, values: Maps, **colours: object) -> AxesImage:
    """A map (first, second) in a frame, NaN left empty; gives what a colour bar needs."""
    from matplotlib.colors import LogNorm

    if isinstance(colours.get("norm"), LogNorm):  # single bright pixels are lost on white
        axes.set_facecolor("black")
        axes.tick_params(which="both", color="0.7")
    first_low, first_high, second_low, second_high = view.edges
    if view.axes is None:  # rows run down, as in any picture
        shown = axes.imshow(values, extent=(second_low, second_high, first_high, first_low), **colours)
    else:
        shown = axes.imshow(
            values.T, origin="lower", extent=(first_low, first_high, second_low, second_high), **colours
        )
    frame(axes, view)
    return shown


def colour_bar(shown: AxesImage, axes: Sequence[Axes], label: str) -> None:
    """One colour bar beside these axes."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import NullFormatter

    bar = axes[0].figure.colorbar(shown, ax=list(axes), label=label, pad=0.01, aspect=30)
    if isinstance(shown.norm, LogNorm):
        bar.ax.yaxis.set_minor_formatter(NullFormatter())


def colours(channel: Channel, *maps: Maps) -> dict[str, object]:
    """Colour map and scale that all these maps of a channel share."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    values = np.concatenate([values[np.isfinite(values)] for values in maps])
    if channel.scale == "signed":
        most = np.quantile(np.abs(values), 0.99) if len(values) else 0
        return {"cmap": "RdBu_r", "norm": Normalize(-(most or 1), most or 1)}
    positive = values[values > 0]
    highest = positive.max() if len(positive) else 1.0
    if channel.scale == "linear":
        return {"cmap": "Greys", "norm": Normalize(0, highest)}
    lowest = max(np.quantile(positive, 0.01), highest * 1e-5) if len(positive) else highest / 10
    visible = colormaps["viridis"](np.linspace(0.2, 1, 256))  # not the dark end, as empty pixels are black
    return {"cmap": ListedColormap(visible), "norm": LogNorm(lowest if lowest < highest else highest / 10, highest)}


def masked(channel: Channel, values: Maps) -> Maps:
    """The map with NaN where a pixel is empty, unless empty is a value like others."""
    return values if channel.scale == "linear" else np.where(values == 0, np.nan, values)
