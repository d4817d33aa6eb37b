"""Energy flow: how the energy of a calorimeter's cells is divided between tracks and neutral objects.

There are two algorithms, from two versions of Delphes' calorimeter. Both take the measured energy (n,) in GeV and the
eta (n,) of each cell, and for each particle stopped there the cell (k,), the energy (k,) of its track in GeV, 0 without
a track, and the standard deviation (k,) of that energy. Both return the neutral energy (n,) of the cells, and the
factors (k,) by which tracks are scaled.

References
----------
Delphes, arXiv:1307.6346, section 3.1, and its module Calorimeter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hepexp.simulation.towers import Layer

Floats = NDArray[np.float64]


def pooled(
    layer: Layer, measured: Floats, eta: Floats, cell: NDArray[np.int64], tracked: Floats, error: Floats
) -> tuple[Floats, Floats]:
    """A significant excess over the tracks is neutral; otherwise, tracks and cell are averaged by inverse variance."""
    by_tracks, variance = np.bincount(cell, tracked, len(eta)), np.bincount(cell, error**2, len(eta))
    sigma = layer.resolution(measured, eta)
    left = measured - by_tracks
    neutral = layer.shows(left, np.sqrt(sigma**2 + variance))
    corrected = ~neutral & (by_tracks > 0) & (measured > 0)
    mean = by_tracks + left * variance / np.where(corrected, sigma**2 + variance, 1)
    scale = np.where(corrected, mean / np.where(corrected, by_tracks, 1), 1)
    return np.where(neutral, left, 0), scale[cell]


def better_of_two(
    layer: Layer, measured: Floats, eta: Floats, cell: NDArray[np.int64], tracked: Floats, error: Floats
) -> tuple[Floats, Floats]:
    """Tracks are used unless the calorimeter has a better resolution at their energy than the tracker.

    In that case they share the energy that the other tracks of their cell do not account for, and the cell has no
    neutral energy. In all other cells the excess is neutral.
    """
    doubtful = layer.resolution(tracked, eta[cell]) < error
    doubted, believed = (np.bincount(cell[chosen], tracked[chosen], len(eta)) for chosen in (doubtful, ~doubtful))
    left = np.maximum(measured - believed, 0)
    taken = doubted > 0
    scale = np.where(doubtful, (left / np.where(taken, doubted, 1))[cell], 1)
    left[taken] = 0
    return np.where(layer.shows(left, layer.resolution(left, eta)), left, 0), scale
