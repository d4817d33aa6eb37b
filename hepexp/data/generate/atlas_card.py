"""The detector of the top-tagging reference: Delphes' card of ATLAS with one grid of towers, 0.1 x 0.1.

In the published jets one pair of constituents in 25 has the same direction: photon and neutral hadron of one
tower, as the card's Calorimeter module of that time gives them; all constituents are massless.

References
----------
Delphes, arXiv:1307.6346, and its `delphes_card_ATLAS.tcl`; the azimuthal width is that of ATLAS hadronic calorimeter,
as the number of soft constituents asks for (the card says 10 degrees).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.generate.detector import Detector
from hepexp.data.generate.particles import CHARGED_HADRON, ELECTRON, MUON
from hepexp.data.generate.towers import Calorimeter, electromagnetic, hadronic
from hepexp.data.generate.tracker import Tracker


def _ecal(energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt((0.0017 * energy) ** 2 + 0.101**2 * energy)


def _hcal(energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    barrel = np.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy + 1.59**2)
    return np.where(abs(eta) <= 1.7, barrel, np.sqrt((0.05 * energy) ** 2 + 0.706**2 * energy))


ATLAS = Detector(
    tracker=Tracker(
        resolution={
            CHARGED_HADRON: ((0.06, 1.3e-3), (0.10, 1.7e-3), (0.25, 3.1e-3)),
            ELECTRON: ((0.03, 1.3e-3), (0.05, 1.7e-3), (0.15, 3.1e-3)),
            MUON: ((0.01, 1.0e-4), (0.015, 1.5e-4), (0.025, 3.5e-4)),
        },
        keep_mass=False,
    ),
    calorimeters=(
        Calorimeter(
            eta_edges=np.arange(-32, 33) * 0.1,
            phi_cells=np.full(64, 64),
            layers=(electromagnetic(0.5, 1.0, _ecal), hadronic(1.0, 1.0, _hcal)),
        ),
    ),
    field=2.0,
    radius=1.15,
)
