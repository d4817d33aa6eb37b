"""Showers as a generator learns them: the fractions of the energy in the layers, and the logarithms of the cells.

Energies of cells span six decades, and of most layers half of the cells are empty: these are separated from the weakest
ones that are hit, so that what is generated in between is either.

References
----------
Fractions of layers as in C. Krause, D. Shih, arXiv:2106.05285, section 3; L. Favaro et al., arXiv:2405.09629.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calogan.calorimeter import FIRST, N_CELLS
from hepexp.data.datasets.calogan.shapes import Showers, ratio

Floats = NDArray[np.float64]
MOST_RESPONSE = 1.05  # all layers over the particle: a positron may leave its rest energy too, 1 MeV per GeV at most
EDGE = 1e-6  # of fractions: those nearer to 0 or 1 count as that far
WEAK = 0.1  # MeV, around which the logarithm becomes linear
EMPTY = -1.0  # in place of the logarithm


def of_layers(showers: Showers) -> Floats:
    """Logits (n, L) of E_tot / (1.05 E), and of the part that each layer but the last has of what is left for it."""
    energies = showers.energies
    left = np.cumsum(energies[:, ::-1], axis=1)[:, ::-1]  # of this layer and those behind it
    response = showers.total / (MOST_RESPONSE * showers.incident)
    parts = [ratio(energies[:, layer], left[:, layer]) for layer in range(energies.shape[1] - 1)]
    u = np.clip(np.stack([response, *parts], 1), EDGE, 1 - EDGE)
    return np.log(u / (1 - u))


def layer_energies(logits: Floats, incident: NDArray) -> Floats:
    """Energies (n, L) of the layers in MeV, the inverse of `of_layers` for particles of energies (n,) in GeV."""
    u = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    near = 1.001 * EDGE  # single precision
    u = np.where(u <= near, 0, np.where(u >= 1 - near, 1, u))
    left = 1000 * MOST_RESPONSE * u[:, 0] * incident
    found = []
    for part in u[:, 1:].T:
        found.append(left * part)
        left = left * (1 - part)
    return np.stack([*found, left], 1)


def log_cells(energies: Floats) -> Floats:
    """ln(1 + E / 0.1 MeV) of cells that are hit, -1 of others."""
    return np.where(energies > 0, np.log1p(energies / WEAK), EMPTY)


def cells(logarithms: Floats, least: float) -> Floats:
    """The energies in MeV, the inverse of `log_cells`, where cells that are hit have at least so much.

    What is nearer to an empty cell than to 0 is empty.
    """
    energies = np.maximum(WEAK * np.expm1(np.clip(logarithms, 0, 50)), least)
    return np.where(logarithms > EMPTY / 2, energies, 0)


def with_layers(energies: Floats, logits: Floats, incident: NDArray) -> Floats:
    """Cells (n, C) scaled so that the sums over layers are those of the fractions; layers without hits stay empty."""
    wanted = layer_energies(logits, incident.astype(np.float64))
    sums = np.add.reduceat(energies, FIRST[:-1], axis=1)
    return energies * np.repeat(ratio(wanted, sums), N_CELLS, axis=1)
