"""Lateral spread of showers over the cells of a calorimeter.

The radial density is R^2 / (pi (r^2 + R^2)^2), one term of the profile of Grindhammer and Peters. As 90 % of the energy
lies within 3 R, R is a third of the Moliere radius. The integral over a cell has a closed form.

References
----------
G. Grindhammer, S. Peters, "The parameterized simulation of electromagnetic showers", arXiv:hep-ex/0001020, eq. 26.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shower_fractions(x: Floats, y: Floats, radius: float, reach: int) -> Floats:
    """Fractions of a shower's energy in the cells around its axis.

    Parameters
    ----------
    x, y : (m,) position of the axis relative to the lower corner of its cell, in units of cells: 0 to 1.
    radius : R of the profile, in units of cells.
    reach : number of cells on each side; the fractions are normalised to these cells, so that energy is conserved.

    Returns
    -------
    (m, 2 reach + 1, 2 reach + 1), summing to 1; the first index goes along x.
    """
    edges = np.arange(-reach, reach + 2)
    x = ((edges - x[:, None]) / radius)[:, :, None]
    y = ((edges - y[:, None]) / radius)[:, None, :]
    # integral of the density from the axis to each corner
    along, across = np.sqrt(1 + x**2), np.sqrt(1 + y**2)
    corner = x / along * np.arctan(y / along) + y / across * np.arctan(x / across)
    inside = np.diff(np.diff(corner, axis=1), axis=2)
    return inside / inside.sum(axis=(1, 2), keepdims=True)


def deposit(
    image: NDArray[np.int64], x: Floats, y: Floats, energy: Floats, radius: float, reach: int, shape: tuple[int, ...]
) -> Floats:
    """Energies in the cells of images, summed over showers.

    Parameters
    ----------
    image, x, y, energy : (m,) index of the image, position of the axis in cells from the image's corner, and energy.
    radius : R of the profile, in units of cells.
    reach : number of cells on each side of its axis to which a shower extends.
    shape : (images, rows along x, columns along y); energy outside is lost.
    """
    row, column = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    near = (row >= -reach) & (row < shape[1] + reach) & (column >= -reach) & (column < shape[2] + reach) & (energy > 0)
    image, x, y, energy, row, column = (values[near] for values in (image, x, y, energy, row, column))
    share = shower_fractions(x - row, y - column, radius, reach) * energy[:, None, None]
    steps = np.arange(-reach, reach + 1)
    row, column = row[:, None, None] + steps[:, None], column[:, None, None] + steps
    inside = (row >= 0) & (row < shape[1]) & (column >= 0) & (column < shape[2])
    cell = (image[:, None, None] * shape[1] + row) * shape[2] + column
    return np.bincount(cell[inside], share[inside], minlength=int(np.prod(shape))).reshape(shape)
