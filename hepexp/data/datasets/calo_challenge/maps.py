"""The layers as maps of the energy density, in azimuth and radius."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calo_challenge.binning import Binning
from hepexp.data.datasets.calo_challenge.observables import voxels
from hepexp.data.store.ragged import Ragged
from hepexp.observable import LayerMap


def layer_maps(binning: Binning) -> tuple[LayerMap, ...]:
    """The layers that have voxels."""
    return tuple(
        LayerMap(
            f"layer {layer.number}",
            (tuple(np.linspace(-np.pi, np.pi, layer.n_alpha + 1).tolist()), layer.r_edges),
            is_polar=True,
        )
        for layer in binning.layers
    )


def densities(examples: Ragged, binning: Binning) -> list[NDArray[np.float64]]:
    """MeV per square centimetre (n, sectors, rings) in each layer."""
    dense, found = voxels(examples, binning.first[-1]), []
    for layer, start in zip(binning.layers, binning.first, strict=False):
        energies = dense[:, start : start + layer.n_voxels].reshape(-1, *layer.shape)
        rings = np.pi * np.diff(np.square(layer.r_edges)) / layer.n_alpha / 100  # cm2
        found.append(energies / rings)
    return found
