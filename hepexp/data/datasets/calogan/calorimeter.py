"""The calorimeter of CaloGAN: lead plates in liquid argon, read out in three layers of cells.

References
----------
M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

N_PERIODS = 80
PLATES = (("lead", 2.0), ("argon", 4.0))  # material and thickness in mm of one period, the first in front
ARGON_DENSITY = 1.390  # g/cm3
SIDE = 1000.0  # mm: the plates are square
READ_OUT = 480.0  # mm: side of the square that has cells; energy outside is overflow
DEPTH = N_PERIODS * sum(thickness for _, thickness in PLATES)  # mm, centred at z = 0
START = -288.0  # mm: z where the particle starts, along +z at x = y = 0

CUTS = (-150.0, 197.0)  # mm: z where a layer ends and the next begins
CELLS = ((3, 96), (12, 12), (12, 6))  # of each layer, along x and along y
N_CELLS = tuple(nx * ny for nx, ny in CELLS)
FIRST = (0, *np.cumsum(N_CELLS).tolist())  # number of the first cell of each layer, when they are counted through


@dataclass(frozen=True)
class Plate:
    """A plate, or the part of one that belongs to a single layer.

    Parameters
    ----------
    material : lead or argon.
    layer : 0, 1 or 2.
    front, thickness : z of its front and its thickness, mm.
    """

    material: str
    layer: int
    front: float
    thickness: float


def plates() -> list[Plate]:
    """All plates from the front to the back, cut where a layer ends within one."""
    found, z = [], -DEPTH / 2
    for _ in range(N_PERIODS):
        for material, thickness in PLATES:
            bounds = [z, *(cut for cut in CUTS if z < cut < z + thickness), z + thickness]
            for low, high in pairwise(bounds):
                found.append(Plate(material, sum((low + high) / 2 > cut for cut in CUTS), low, high - low))
            z += thickness
    return found


def centres(layer: int, axis: int) -> np.ndarray:
    """Where the centres of a layer's cells are in x (axis 0) or y (axis 1), mm."""
    n = CELLS[layer][axis]
    return (np.arange(n) + 0.5) * READ_OUT / n - READ_OUT / 2
