"""The layers as maps of the energy density, in which cells of different sizes have the same scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calogan.calorimeter import CELLS, READ_OUT
from hepexp.data.datasets.calogan.shapes import LAYERS, Showers
from hepexp.data.store.ragged import Ragged
from hepexp.observable import LayerMap


def _edges(n: int) -> tuple[float, ...]:
    return tuple(np.linspace(-READ_OUT / 2, READ_OUT / 2, n + 1).tolist())


LAYER_MAPS = tuple(LayerMap(f"layer {layer}", (_edges(CELLS[layer][0]), _edges(CELLS[layer][1]))) for layer in LAYERS)


def densities(examples: Ragged) -> list[NDArray[np.float64]]:
    """MeV per square centimetre (n, along x, along y) in each layer."""
    showers = Showers.of(examples)
    return [showers.layer(layer) * nx * ny / (READ_OUT / 10) ** 2 for layer, (nx, ny) in enumerate(CELLS)]
