"""What the data set has of the two leading jets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def invariant_mass(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Masses (...) in GeV of four-momenta (..., 4), (E, px, py, pz); 0 where rounding makes them spacelike."""
    return np.sqrt(np.maximum(p[..., 0] ** 2 - (p[..., 1:] ** 2).sum(-1), 0))


def lighter_first(mjj: NDArray, mass: NDArray, tau21: NDArray) -> dict[str, NDArray[np.float64]]:
    """The columns of the data set, from the dijet mass (n,), and mass and tau21 of the two jets (n, 2), in GeV."""
    order = mass.argsort(1)
    (light, heavy), (tau_light, tau_heavy) = (np.take_along_axis(x, order, 1).T for x in (mass, tau21))
    return {"mjj": mjj, "m_min": light, "dm": heavy - light, "tau21_1": tau_light, "tau21_2": tau_heavy}
