"""Images of tracks, ECAL and HCAL in a window around a jet, from the detector's response to the particles.

Pixels are 0.0174 x 0.0174 in (eta, phi), the size of an ECAL barrel crystal; rows run along eta, columns along phi. The
window of 125x125 is centred on the HCAL tower with the most energy among the 7x7 around the jet axis. An HCAL tower
covers 5x5 pixels, each of which is given 1/25 of its energy. Deposits are energies, not transverse energies.

Showers spread over the cells of a calorimeter with the radial density R^2 / (pi (r^2 + R^2)^2), one term of the profile
of Grindhammer and Peters. As 90 % of the energy lies within 3 R, R is a third of the Moliere radius. The integral over
a cell has a closed form.

References
----------
G. Grindhammer, S. Peters, "The parameterized simulation of electromagnetic showers", arXiv:hep-ex/0001020, eq. 26.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.qg_images.cms_detector import ECAL_RADIUS, Observed

Floats = NDArray[np.float64]

CELLS, TOWER = 125, 5  # of the window, along each side; cells in a tower
CELL = 2 * np.pi / 360
SEARCH = 3  # towers on each side of the jet axis among which the centre is chosen
HCAL_RADIUS = 1.9  # m, of the barrel's face
ECAL_SHOWER, HCAL_SHOWER = 0.022, 0.15  # m, radius that contains 90 % of a shower; the first is R_M of PbWO4
ECAL_NOISE, ECAL_THRESHOLD = 0.04, 0.11  # GeV per cell; below the threshold a cell is not read out
HCAL_NOISE, HCAL_THRESHOLD = 0.2, 0.6  # GeV per tower
# Calibrated rather than derived: factors on tracks and deposits that reproduce the means of the original images.
TRACK_SCALE, ECAL_SCALE, HCAL_SCALE = 1.025, 0.815, 0.54


def wrap(angle: Floats) -> Floats:
    """The same angles, between -pi and pi."""
    return angle - 2 * np.pi * np.round(angle / (2 * np.pi))


def make_images(observed: Observed, eta: Floats, phi: Floats, rng: np.random.Generator) -> Floats:
    """Images (n, 3, 125, 125) in GeV around jets with these axes (n,).

    Pixels are the summed pT of tracks in the first channel, and energies in the other two.
    """
    n, towers, wide = len(eta), CELLS // TOWER, CELLS // TOWER + 2 * SEARCH
    row, column = (np.floor(angle / (TOWER * CELL)).astype(np.int64) - wide // 2 for angle in (eta, phi))
    image = observed.image

    # the calorimeters, after bending in the field: HCAL towers over the whole region in which the window can lie
    x, y = _cells(image, observed.face_eta, observed.face_phi, row, column, wide)
    radius = HCAL_SHOWER / 3 / (HCAL_RADIUS * CELL * TOWER)
    hcal = deposit(image, x / TOWER, y / TOWER, HCAL_SCALE * observed.hcal, radius, 1, (n, wide, wide))
    hcal = _read_out(hcal, HCAL_NOISE, HCAL_THRESHOLD, rng)
    down, right = _highest(hcal)
    rows, columns = (corner[:, None] + np.arange(towers) for corner in (down, right))
    hcal = hcal[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    x, y = x - TOWER * down[image], y - TOWER * right[image]
    radius = ECAL_SHOWER / 3 / (ECAL_RADIUS * CELL)
    ecal = deposit(image, x, y, ECAL_SCALE * observed.ecal, radius, 2, (n, CELLS, CELLS))
    ecal = _read_out(ecal, ECAL_NOISE, ECAL_THRESHOLD, rng)

    # tracks, by their direction at the vertex
    x, y = _cells(image, observed.eta, observed.phi, row + down, column + right, towers)
    tracks = deposit(image, x, y, TRACK_SCALE * observed.track_pt, 1.0, 0, (n, CELLS, CELLS))
    return np.stack([tracks, ecal, np.kron(hcal, np.full((1, TOWER, TOWER), 1 / TOWER**2))], axis=1)


def _cells(
    image: NDArray[np.int64], eta: Floats, phi: Floats, row: NDArray[np.int64], column: NDArray[np.int64], width: int
) -> tuple[Floats, Floats]:
    """Directions (m,) in units of cells, relative to the corner of their image's region, the tower (row, column) (n,).

    The region is `width` towers wide; azimuths are wrapped so that they are continuous across it.
    """
    middle = (column + width / 2) * TOWER * CELL
    return eta / CELL - TOWER * row[image], wrap(phi - middle[image]) / CELL + TOWER * width / 2


def _read_out(energy: Floats, noise: float, threshold: float, rng: np.random.Generator) -> Floats:
    """Energies with noise added, set to 0 below the threshold."""
    energy = energy + noise * rng.standard_normal(energy.shape, np.float32)
    return np.where(energy > threshold, energy, 0.0)


def _highest(hcal: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First tower (row, column), each (n,), of the window centred on the tower of highest energy near the middle."""
    middle = slice(hcal.shape[1] // 2 - SEARCH, hcal.shape[1] // 2 + SEARCH + 1)
    found = hcal[:, middle, middle].reshape(len(hcal), -1).argmax(axis=1)
    return np.divmod(found, 2 * SEARCH + 1)


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
    image, x, y, energy = image[near], x[near], y[near], energy[near]
    row, column = row[near], column[near]
    share = shower_fractions(x - row, y - column, radius, reach) * energy[:, None, None]
    steps = np.arange(-reach, reach + 1)
    row, column = row[:, None, None] + steps[:, None], column[:, None, None] + steps
    inside = (row >= 0) & (row < shape[1]) & (column >= 0) & (column < shape[2])
    cell = (image[:, None, None] * shape[1] + row) * shape[2] + column
    found = np.bincount(cell[inside], share[inside], minlength=int(np.prod(shape)))
    return np.asarray(found, np.float64).reshape(shape)
