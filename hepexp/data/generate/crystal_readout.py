"""From energies in crystals to the hits that CMS keeps: noise, selective readout, clusters, times.

Three steps, each seen in the published crops. Every crystal gets noise and a miscalibration. Trigger towers of 5 x 5
crystals with at least `TOWER_ET` are read with their eight neighbours, the rest is empty. Of what is read, all positive
hits in a cluster are kept, and outside of clusters those above `THRESHOLD`. Clusters are what the barrel's hybrid
algorithm makes: dominoes of 5 crystals in eta, in a row along phi through the hottest crystal; neighbours that hold
`DOMINO` each, and one among them `DOMINO_SEED`, are a cluster, to which the dominoes next to its largest are added.

References
----------
CMS, JINST 8 (2013) P09009: noise, selective readout, hybrid clusters. CMS, JINST 5 (2010) T03011: resolution in time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALE = 1 / 50  # of the published crops: energies in units of 50 GeV, times in units of 50 ns

NOISE = 0.043  # GeV a crystal
CONTAINMENT = 0.985  # share of a shower in the hits that are kept; calibrated energies are those of whole showers
CALIBRATION = 0.005  # relative error of a crystal's scale
STOCHASTIC = 0.028  # photoelectrons: relative error of 1 GeV
TOWER = 5  # crystals a side
TOWER_ET = 2.0  # GeV of transverse energy
DEAD = 0.01  # share of crystals that give nothing
THRESHOLD = 0.091  # GeV outside clusters, 2.1 times the noise
DOMINO = 0.08  # GeV
DOMINO_SEED = 0.35  # GeV
TIME_NOISE = 35.0  # ns, for a hit as large as the noise
TIME_CONSTANT = 0.25  # ns, the limit for large hits
TIME_COMMON = 0.2  # ns, moment and place of the collision: alike for all hits of a crop
TIME_WINDOW = (-125.5, 114.0)  # ns; the ten samples of a pulse


def measure(energy: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Energies (n, rows, columns) in GeV with photostatistics, miscalibration, noise and dead crystals."""
    one, two = random.standard_normal((2, *energy.shape), dtype=np.float32)
    energy = energy / CONTAINMENT
    energy += one * np.sqrt(STOCHASTIC**2 * energy + (CALIBRATION * energy) ** 2) + NOISE * two
    return np.where(random.random(energy.shape, dtype=np.float32) < DEAD, 0, energy)


def is_read(energy: NDArray[np.float64], cosh_eta: NDArray[np.float64], random: np.random.Generator) -> NDArray:
    """Which crystals (n, rows, columns) are read; towers lie anywhere against the crop."""
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
    """Which crystals (n, rows, columns) are in a cluster of dominoes around this row."""
    domino = energy[:, row - 2 : row + 3].sum(1)
    bright = domino > DOMINO
    largest = np.where(bright, domino, 0.0)  # of the bright neighbours that hang together
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
    """Measured times in ns of hits of these measured energies in GeV that came so late in ns, both (n, rows, columns).

    A fit to a pulse that is lost in noise ends anywhere in the samples.
    """
    sigma = np.hypot(TIME_CONSTANT, TIME_NOISE * NOISE / np.maximum(energy, 1e-3))
    time = delay + random.normal(0, TIME_COMMON, (len(energy), 1, 1))
    time = time + sigma * random.standard_normal(energy.shape, dtype=np.float32)
    lost = (time < TIME_WINDOW[0]) | (time > TIME_WINDOW[1])
    return np.where(lost, random.uniform(*TIME_WINDOW, energy.shape), time)
