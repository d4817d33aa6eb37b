"""The detector of JetClass and of the LHC Olympics: Delphes' CMS card.

Cells measure 0.0174 x 1 degree in the ECAL and 0.087 x 5 degrees in the HCAL.

References
----------
Delphes, arXiv:1307.6346, and its `delphes_card_CMS.tcl`. Energies must exceed one standard deviation, as in older
versions of the card: with two, there are only a third of the neutral hadrons of published JetClass-II jets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.simulation.calorimeter import Calorimeter, electromagnetic, hadronic, pooled
from hepexp.simulation.detector import Detector
from hepexp.simulation.particles import CHARGED_HADRON, ELECTRON, MUON
from hepexp.simulation.propagation import Barrel
from hepexp.simulation.small_r_jets import BOTTOM, CHARM
from hepexp.simulation.tracker import Tracker

_FINE, _COARSE = 0.0174, 0.087  # widths in eta
_HCAL_BARREL = np.arange(-19, 20) * _COARSE
_HCAL_ENDCAP = np.array([1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.868, 2.95, 3.125])
_N_RINGS = len(_HCAL_BARREL) - 1, len(_HCAL_ENDCAP)


def _ecal(energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    eta = abs(eta)
    core = np.sqrt((0.008 * energy) ** 2 + 0.11**2 * energy + 0.40**2)
    forward = np.sqrt((0.107 * energy) ** 2 + 2.08**2 * energy)
    central = np.where(eta <= 1.5, 1 + 0.64 * eta**2, 2.16 + 5.6 * (eta - 2) ** 2) * core
    return np.where(eta <= 2.5, central, forward)


def _hcal(energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt((0.05 * energy) ** 2 + 1.5**2 * energy)


CMS = Detector(
    tracker=Tracker(
        resolution={
            CHARGED_HADRON: ((0.01, 1.5e-4), (0.015, 2.5e-4), (0.025, 5.5e-4)),
            ELECTRON: ((0.03, 1.3e-3), (0.05, 1.7e-3), (0.15, 3.1e-3)),
            MUON: ((0.01, 1.0e-4), (0.015, 1.5e-4), (0.025, 3.5e-4)),
        },
        keep_mass=True,
        max_production_radius=500.0,  # products of later decays cross too few layers
    ),
    calorimeters=(
        Calorimeter(
            eta_edges=np.arange(-172, 173, dtype=np.float64) * _FINE,
            phi_cells=np.full(344, 360),
            layers=(electromagnetic(0.5, 1.0, _ecal, pooled),),
        ),
        Calorimeter(
            eta_edges=np.concatenate([-_HCAL_ENDCAP[::-1], _HCAL_BARREL, _HCAL_ENDCAP]),
            phi_cells=np.repeat([36, 72, 36], [_N_RINGS[1], _N_RINGS[0], _N_RINGS[1]]),
            layers=(hadronic(1.0, 1.0, _hcal, pooled),),
        ),
    ),
    propagation=Barrel(field=3.8, radius=1.29),
)


def impact_parameter_resolution(
    pt: NDArray[np.float64], eta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard deviations (m,) in mm of d0 and dz: intrinsic resolution and multiple scattering.

    The parameters are fitted to d0err and dzerr of 100 published JetClass-II jets, which they reproduce to 22 % and
    30 % (root mean square); multiple scattering alone would scale as 1 / pT.
    """
    path = np.cosh(eta)
    return np.hypot(0.0101, 0.0661 * pt**-0.64 * path**0.505), np.hypot(0.0291, 0.0685 * pt**-0.485 * path**1.497)


def b_tag_efficiency(pt: NDArray[np.float64], quark: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities (m,) that jets of pT (m,) in GeV are b-tagged, by the heaviest quark in them, 0 for a light one."""
    of_b = 0.85 * np.tanh(0.0025 * pt) * 25 / (1 + 0.063 * pt)
    of_c = 0.25 * np.tanh(0.018 * pt) / (1 + 0.0013 * pt)
    return np.select([quark == BOTTOM, quark == CHARM], [of_b, of_c], 0.01 + 3.8e-5 * pt)
