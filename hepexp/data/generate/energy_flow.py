"""Energy flow: how the energy of a calorimeter's cells is shared out between tracks and neutral objects.

Two ways, those of two versions of Delphes' calorimeter. Both take for each cell its measured energy (n,) in GeV and its
eta (n,), and for each particle that it stops the cell (k,), the energy (k,) of its track in GeV, 0 without one, and
its standard deviation (k,). Both return the neutral energy (n,) of the cells and the factors (k,) by which tracks are
scaled.

References
----------
Delphes, arXiv:1307.6346, section 3.1, and its module Calorimeter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hepexp.data.generate.towers import Layer

Floats = NDArray[np.float64]


def pooled(
    layer: Layer, measured: Floats, eta: Floats, cell: NDArray[np.int64], tracked: Floats, error: Floats
) -> tuple[Floats, Floats]:
    """Neutral is what stands out of both errors; else tracks and cell are averaged, weighted by their variances."""
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
    """Tracks are believed but where the calorimeter would measure their energy better than the tracker did.

    Those share what the other tracks leave of their cell, and nothing neutral is seen there. In all other cells the
    rest is neutral.
    """
    doubtful = layer.resolution(tracked, eta[cell]) < error
    doubted, believed = (np.bincount(cell[chosen], tracked[chosen], len(eta)) for chosen in (doubtful, ~doubtful))
    left = np.maximum(measured - believed, 0)
    taken = doubted > 0
    scale = np.where(doubtful, (left / np.where(taken, doubted, 1))[cell], 1)
    left[taken] = 0
    return np.where(layer.shows(left, layer.resolution(left, eta)), left, 0), scale
