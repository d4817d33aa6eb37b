"""The mean image of each class, and the difference between two classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.pictures.view import Channel, Colours, Maps, View, colour_bar, colours, masked, show_map
from hepexp.data.store.store import Store
from hepexp.figures import COLOURS, figure

_COLUMNS = 5
_ENOUGH = 25  # hits of both classes in a pixel; with fewer, a difference is noise


def draw_means(path: Path, view: View, store: Store, rows: dict[str, NDArray[np.int64]], noun: str) -> None:
    """Draw the pixel-by-pixel mean of the examples of each class, from the given rows of the store.

    For two classes, also draw (second - first) / (second + first), or for signed quantities second - first.
    """
    found = {name: mean_maps(view, store, mine) for name, mine in rows.items()}
    two = len(rows) == 2
    columns = 3 if two else min(len(rows), _COLUMNS)
    lines = -(-len(rows) // columns)
    side = 11.5 / columns
    height = 0.7 + side * (0.92 if view.axes else 1.0) * lines * len(view.channels)
    with figure(path, 12, height, f"mean of the {noun}s of each class") as drawing:
        drawing.set_layout_engine("compressed")  # the panels keep their shape
        grid = drawing.subplots(lines * len(view.channels), columns, squeeze=False)
        for axes in grid.flat:
            axes.set_visible(False)
        for c, channel in enumerate(view.channels):
            places = list(grid[c * lines : (c + 1) * lines].flat)
            means = [masked(channel, mean[c]) for mean, _ in found.values()]
            shared = colours(channel, *means)
            for axes, name, mean in zip(places, found, means, strict=False):
                axes.set_visible(True)
                shown = show_map(axes, view, mean, shared)
                axes.set_title(f"{name} ({len(rows[name]):,} {noun}s)", fontsize=10)
            colour_bar(shown, places[: len(means)], _label(channel))
            if two:
                places[2].set_visible(True)
                _difference(places[2], view, channel, [(mean[c], hits[c]) for mean, hits in found.values()], list(rows))


def _label(channel: Channel) -> str:
    return f"{channel.label}, mean of hits" if channel.scale == "signed" else channel.label


def mean_maps(view: View, store: Store, rows: NDArray[np.int64], rows_at_once: int = 1000) -> tuple[list[Maps], Maps]:
    """Mean map of each channel, and hits (channels, first, second)."""
    total: Maps = np.zeros((len(view.channels), 1, 1))
    hits = total
    for start in range(0, len(rows), rows_at_once):
        sums, counts = view.maps(store.take(rows[start : start + rows_at_once]))
        total, hits = total + sums, hits + counts
    means = [
        mean / (np.maximum(n, 1) if channel.scale == "signed" else len(rows))
        for channel, mean, n in zip(view.channels, total, hits, strict=True)
    ]
    return means, hits


def _difference(axes, view: View, channel: Channel, classes: list[tuple[Maps, Maps]], names: list[str]) -> None:
    """Draw the difference between the second and the first class; pixels with too few hits are left white."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    (first, first_hits), (second, second_hits) = classes
    enough = first_hits + second_hits >= _ENOUGH
    with np.errstate(divide="ignore", invalid="ignore"):
        if channel.scale == "signed":
            enough = np.minimum(first_hits, second_hits) >= _ENOUGH
            difference, label = second - first, f"{names[1]} − {names[0]}"
        else:
            difference = (second - first) / (second + first)
            label = f"({names[1]} − {names[0]}) / ({names[1]} + {names[0]})"
    difference = np.where(enough, difference, np.nan)
    seen = np.abs(difference[enough])
    most = min(float(np.quantile(seen, 0.98)), 1.0) if len(seen) else 1.0
    cmap = LinearSegmentedColormap.from_list("classes", [COLOURS[0], "#f4f4f4", COLOURS[1]])
    shown = show_map(axes, view, difference, Colours(cmap, Normalize(-(most or 1), most or 1)))
    axes.set_title("difference", fontsize=10)
    if len(seen):
        colour_bar(shown, [axes], label)
    else:
        axes.text(0.5, 0.5, "too few hits to compare", transform=axes.transAxes, ha="center", color="0.4")
