"""From energies in crystals to the hits that CMS keeps: noise, selective readout, clusters, times.

There are three steps, all of them visible in the published crops. Noise and miscalibration are added to each crystal.
Trigger towers of 5 x 5 crystals with at least `TOWER_ET` are read out with their eight neighbours, and the rest is
empty. Of the crystals read out, all positive hits inside clusters are kept, and outside clusters those above
`THRESHOLD`. Clusters are those of the barrel's hybrid algorithm: dominoes of 5 crystals in eta are lined up along phi
through the hottest crystal; adjacent dominoes above `DOMINO`, at least one of them above `DOMINO_SEED`, form a cluster,
to which the neighbours of its largest domino are added.

References
----------
CMS, JINST 8 (2013) P09009: noise, selective readout, hybrid clusters. CMS, JINST 5 (2010) T03011: resolution in time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALE = 1 / 50  # of the published crops: energies in units of 50 GeV, times in units of 50 ns

NOISE = 0.043  # GeV per crystal
CONTAINMENT = 0.985  # fraction of a shower in the hits kept; calibrated energies are those of whole showers
CALIBRATION = 0.005  # relative error of a crystal's scale
STOCHASTIC = 0.028  # photoelectron statistics: relative error at 1 GeV
TOWER = 5  # crystals per side
TOWER_ET = 2.0  # GeV of transverse energy
DEAD = 0.01  # fraction of dead crystals
THRESHOLD = 0.091  # GeV outside clusters, 2.1 times the noise
DOMINO = 0.08  # GeV
DOMINO_SEED = 0.35  # GeV
TIME_NOISE = 35.0  # ns, for a hit whose energy equals the noise
TIME_CONSTANT = 0.25  # ns, the limit for large hits
TIME_COMMON = 0.2  # ns, from time and position of the collision: common to all hits of a crop
TIME_WINDOW = (-125.5, 114.0)  # ns, covered by the ten samples of a pulse


def measure(energy: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Energies (n, rows, columns) in GeV after photostatistics, miscalibration, noise and dead crystals."""
    one, two = random.standard_normal((2, *energy.shape), dtype=np.float32)
    energy = energy / CONTAINMENT
    energy += one * np.sqrt(STOCHASTIC**2 * energy + (CALIBRATION * energy) ** 2) + NOISE * two
    return np.where(random.random(energy.shape, dtype=np.float32) < DEAD, 0, energy)


def is_read(energy: NDArray[np.float64], cosh_eta: NDArray[np.float64], random: np.random.Generator) -> NDArray:
    """Mask of the crystals (n, rows, columns) that are read out; crops have random offsets relative to the towers."""
    n, rows, columns = energy.shape
    place = random.integers(0, TOWER, (n, 2))
    row = (np.arange(rows) + place[:, :1]) // TOWER
    column = (np.arange(columns) + place[:, 1:]) // TOWER
    height, width = rows // TOWER + 2, columns // TOWER + 2
    tower = (np.arange(n)[:, None, None] * height + row[:, :, None]) * width + column[:, None, :]
    sums = np.bincount(tower.ravel(), energy.ravel(), n * height * width).reshape(n, height, width)
    hot = sums > TOWER_ET * cosh_eta[:, None, None]
    near = np.zeros((n, height + 2, width + 2), bool)
    for i in range(3):
        for j in range(3):
            near[:, i : i + height, j : j + width] |= hot
    return near[:, 1:-1, 1:-1].reshape(-1)[tower]


def is_clustered(energy: NDArray[np.float64], row: int) -> NDArray[np.bool_]:
    """Mask of the crystals (n, rows, columns) in a cluster of dominoes centred on this row."""
    domino = energy[:, row - 2 : row + 3].sum(1)
    bright = domino > DOMINO
    largest = np.where(bright, domino, 0.0)  # in each group of adjacent bright dominoes
    for order in (range(1, domino.shape[1]), range(domino.shape[1] - 2, -1, -1)):
        for column in order:
            before = largest[:, column - order.step]
            largest[:, column] = np.where(bright[:, column], np.maximum(largest[:, column], before), 0.0)
    inside = largest > DOMINO_SEED
    peak = np.pad(inside & (domino == largest), ((0, 0), (2, 2)))
    for shift in range(5):
        inside |= peak[:, shift : shift + domino.shape[1]]
    clustered = np.zeros(energy.shape, bool)
    clustered[:, row - 2 : row + 3] = inside[:, None]
    return clustered


def times(energy: NDArray[np.float64], delay: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Measured times in ns of hits with these measured energies in GeV and true delays in ns, all (n, rows, columns).

    The fit to a pulse that is lost in noise returns a random time within the samples.
    """
    sigma = np.hypot(TIME_CONSTANT, TIME_NOISE * NOISE / np.maximum(energy, 1e-3))
    time = delay + random.normal(0, TIME_COMMON, (len(energy), 1, 1))
    time = time + sigma * random.standard_normal(energy.shape, dtype=np.float32)
    lost = (time < TIME_WINDOW[0]) | (time > TIME_WINDOW[1])
    return np.where(lost, random.uniform(*TIME_WINDOW, energy.shape), time)
