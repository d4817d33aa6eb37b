"""Showers in the layers of a calorimeter, true ones above those that were generated for the same energies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.figures import figure
from hepexp.observable import LayerMap

MOST = 6  # layers that are drawn, from the first to the last
DECADES = 4  # of the colours


def showers(
    path: Path | str,
    layers: Sequence[LayerMap],
    energies: NDArray,
    true: Sequence[NDArray],
    generated: Sequence[NDArray],
) -> None:
    """Draw a column for each layer and two rows for each energy, the maps of both samples in the same colours.

    Parameters
    ----------
    layers : of which some are left out if there are many.
    energies : of single showers (E,), or bounds (E + 1,) of the ranges that mean showers are of, GeV.
    true, generated : energy densities (E, cells, cells) in each layer, MeV / cm2.
    """
    from matplotlib.colors import LogNorm

    drawn = np.unique(np.linspace(0, len(layers) - 1, min(MOST, len(layers))).round().astype(int))
    n = len(true[0])
    of_ranges = len(energies) > n
    title = f"{'mean' if of_ranges else 'single'} showers, energy density [MeV / cm²]"
    with figure(path, 2.7 * len(drawn) + 1.0, 2.1 * 2 * n, title) as drawing:
        for column, k in enumerate(drawn):
            layer = layers[k]
            for e in range(n):
                pair = {"truth": true[k][e], "generated": generated[k][e]}
                highest = max(image.max() for image in pair.values()) or 1.0
                norm = LogNorm(highest / 10**DECADES, highest)
                panels = []
                for row, (sample, image) in enumerate(pair.items(), start=2 * e):
                    place = row * len(drawn) + column + 1
                    axes = drawing.add_subplot(2 * n, len(drawn), place, projection="polar" if layer.is_polar else None)
                    shown = _draw(axes, layer, image, norm)
                    panels.append(axes)
                    at = f"{energies[e]:.0f} to {energies[e + 1]:.0f}" if of_ranges else f"{energies[e]:.0f}"
                    if column == 0:
                        axes.set_ylabel(f"{sample}, {at} GeV" + ("" if layer.is_polar else "\ny [mm]"), fontsize=7)
                    if row == 0:
                        axes.set_title(layer.name, fontsize=9)
                    if row == 2 * n - 1 and not layer.is_polar:
                        axes.set_xlabel("x [mm]", fontsize=7)
                drawing.colorbar(shown, ax=panels).ax.tick_params(labelsize=6)


def _draw(axes, layer: LayerMap, image: NDArray, norm):
    """The map of one layer; cells without energy stay white."""
    first, second = layer.edges
    shown = axes.pcolormesh(first, second, np.ma.masked_less_equal(image.T, 0), norm=norm)
    axes.grid(False)
    axes.tick_params(labelsize=6)
    if layer.is_polar:
        axes.set(xticks=[], yticks=[])
    return shown
