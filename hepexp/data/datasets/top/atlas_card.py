"""The detector of the top-tagging reference: Delphes' ATLAS card with a single grid of towers, 0.1 x 10 degrees.

The detector is inferred from the published jets. One pair of constituents in 25 has the same direction: a photon and a
neutral hadron from the same tower. No two such pairs in a jet lie in the same cell of 0.1 x 10 degrees; for any other
grid that is not finer, hundreds do. All constituents are massless. Tracks below 0.345 GeV, which curl up in the barrel
and leave through its ends beyond the tracker's |eta|, are rare. The energy-flow algorithm that reproduces the numbers
of pairs and of hard constituents is `better_of_two`.

References
----------
Delphes, arXiv:1307.6346, and `delphes_card_ATLAS.tcl` from its versions with the module Calorimeter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.simulation.calorimeter import Calorimeter, better_of_two, electromagnetic, hadronic
from hepexp.simulation.detector import Detector
from hepexp.simulation.particles import CHARGED_HADRON, ELECTRON, MUON
from hepexp.simulation.propagation import Cylinder
from hepexp.simulation.tracker import Tracker


def _ecal(energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt((0.0017 * energy) ** 2 + 0.101**2 * energy)


def _hcal(energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    barrel = np.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy + 1.59**2)
    return np.where(abs(eta) <= 1.7, barrel, np.sqrt((0.05 * energy) ** 2 + 0.706**2 * energy))


_RADIUS, _HALF_LENGTH = 1.15, 3.51  # m
_ETA_EDGES = np.array([-3.2, *(0.1 * np.arange(-25, 27)), 3.3])

ATLAS = Detector(
    tracker=Tracker(
        resolution={
            CHARGED_HADRON: ((0.06, 1.3e-3), (0.10, 1.7e-3), (0.25, 3.1e-3)),
            ELECTRON: ((0.03, 1.3e-3), (0.05, 1.7e-3), (0.15, 3.1e-3)),
            MUON: ((0.01, 1.0e-4), (0.015, 1.5e-4), (0.025, 3.5e-4)),
        },
        keep_mass=False,
        max_production_radius=1000 * _RADIUS,
    ),
    calorimeters=(
        Calorimeter(
            eta_edges=_ETA_EDGES,
            phi_cells=np.full(len(_ETA_EDGES) - 1, 36),
            layers=(electromagnetic(0.5, 1.0, _ecal, better_of_two), hadronic(1.0, 1.0, _hcal, better_of_two)),
        ),
    ),
    propagation=Cylinder(field=2.0, radius=_RADIUS, half_length=_HALF_LENGTH),
)
