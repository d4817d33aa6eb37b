"""What a view of examples has to provide, independently of how the page is laid out; maps and colours for all views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import Ragged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Maps = NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """A quantity shown in a drawing.

    Parameters
    ----------
    name : of the quantity.
    unit : of a pixel's value, as shown after the name.
    scale : of the colours: `log` for values that span decades, `linear`, or `signed` for a quantity of either sign that
        is defined for hit pixels only, and averaged over hits.
    """

    name: str
    unit: str = ""
    scale: Literal["log", "linear", "signed"] = "log"

    @property
    def label(self) -> str:
        return labelled(self.name, self.unit)


def labelled(name: str, unit: str) -> str:
    """The name of a quantity followed by its unit, if it has one."""
    return f"{name} [{unit}]" if unit else name


class View(Protocol):
    """How the examples of a data set are drawn."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The quantities that are drawn for each example."""

    @property
    def axes(self) -> tuple[str, str] | None:
        """Labels of the two directions, with units; None if the drawings have no scale."""

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Limits (first low, first high, second low, second high) of the drawings, in these units."""

    @property
    def panels(self) -> int:
        """Number of panels per example."""

    def maps(self, examples: Ragged) -> tuple[Maps, Maps]:
        """Sum of the values over the examples, and number of hits, each of shape (channels, first, second)."""

    def draw(self, axes: Sequence[Axes], examples: Ragged, panel: int) -> None:
        """Draw one panel of each example, all on the same scale."""

    def legend(self, drawing: Figure, examples: Ragged) -> None:
        """Add a legend that explains the colours and sizes."""


def frame(axes: Axes, view: View) -> None:
    """Set the limits and labels of the two directions; the first one runs to the right, as for rapidity."""
    first_low, first_high, second_low, second_high = view.edges
    if view.axes is None:
        axes.set(xlim=(second_low, second_high), ylim=(first_high, first_low), xticks=[], yticks=[], aspect="equal")
        axes.minorticks_off()
        return
    axes.set(xlim=(first_low, first_high), ylim=(second_low, second_high), aspect="equal")
    axes.set(xlabel=view.axes[0], ylabel=view.axes[1])
    axes.label_outer()


class Colours(NamedTuple):
    """The colours of a map: a colour map, and the scale of the values."""

    cmap: str | Colormap
    norm: Normalize


def show_map(axes: Axes, view: View, values: Maps, colours: Colours) -> AxesImage:
    """Draw a map (first, second) with axes, leaving NaN blank; returns the image for a colour bar."""
    from matplotlib.colors import LogNorm

    cmap, norm = colours
    if isinstance(norm, LogNorm):  # isolated bright pixels are hard to see on white
        axes.set_facecolor("black")
        axes.tick_params(which="both", color="0.7")
    first_low, first_high, second_low, second_high = view.edges
    if view.axes is None:  # rows run downwards, as in any image
        extent = (second_low, second_high, first_high, first_low)
        shown = axes.imshow(values, cmap, norm, extent=extent)
    else:
        extent = (first_low, first_high, second_low, second_high)
        shown = axes.imshow(values.T, cmap, norm, origin="lower", extent=extent)
    frame(axes, view)
    return shown


def colour_bar(shown: AxesImage, axes: Sequence[Axes], label: str) -> None:
    """Draw a colour bar next to these axes."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import NullFormatter

    bar = axes[0].figure.colorbar(shown, ax=list(axes), label=label, pad=0.01, aspect=30)
    if isinstance(shown.norm, LogNorm):
        bar.ax.yaxis.set_minor_formatter(NullFormatter())


def colours(channel: Channel, *maps: Maps) -> Colours:
    """Common colour map and scale for these maps of a channel."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    values = np.concatenate([values[np.isfinite(values)] for values in maps])
    if channel.scale == "signed":
        most = np.quantile(np.abs(values), 0.99) if len(values) else 0
        return Colours("RdBu_r", Normalize(-(most or 1), most or 1))
    positive = values[values > 0]
    highest = positive.max() if len(positive) else 1.0
    if channel.scale == "linear":
        return Colours("Greys", Normalize(0, highest))
    lowest = max(np.quantile(positive, 0.01), highest * 1e-5) if len(positive) else highest / 10
    visible = colormaps["viridis"](np.linspace(0.2, 1, 256))  # without the dark end, as empty pixels are black
    return Colours(ListedColormap(visible), LogNorm(lowest if lowest < highest else highest / 10, highest))


def masked(channel: Channel, values: Maps) -> Maps:
    """The map with empty pixels replaced by NaN, except on a linear scale."""
    return values if channel.scale == "linear" else np.where(values == 0, np.nan, values)
