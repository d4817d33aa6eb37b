"""Four-momenta from (pt, rapidity, phi, mass), and the mass of a jet from its particles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepexp.data import species
from hepexp.data.jets import Jets


def four_momenta(pt: ArrayLike, y: ArrayLike, phi: ArrayLike, mass: ArrayLike) -> NDArray[np.float64]:
    """(E, px, py, pz) = (mT cosh y, pT cos phi, pT sin phi, mT sinh y) with mT^2 = m^2 + pT^2, in float64.

    Parameters
    ----------
    pt, mass : transverse momentum and mass, GeV, shape (m,).
    y, phi : rapidity and azimuth in radians, shape (m,).

    Returns
    -------
    Four-momenta (m, 4) in GeV, metric (+,-,-,-).
    """
    pt, y, phi, mass = (np.asarray(values, np.float64) for values in (pt, y, phi, mass))
    transverse = np.hypot(pt, mass)
    p4 = np.empty((*pt.shape, 4))
    p4[..., 0] = transverse * np.cosh(y)
    p4[..., 1] = pt * np.cos(phi)
    p4[..., 2] = pt * np.sin(phi)
    p4[..., 3] = transverse * np.sinh(y)
    return p4


def jet_momenta(jets: Jets) -> NDArray[np.float64]:
    """The sum of the particles' four-momenta (n, 4) of each jet, with the masses of the particle table."""
    p4 = four_momenta(jets.pt, jets.y, jets.phi, species.mass(jets.pdgid))
    return np.add.reduceat(p4, jets.offsets[:-1], axis=0) if len(jets) else np.zeros((0, 4))


def invariant_mass(p4: NDArray[np.float64]) -> NDArray[np.float64]:
    """sqrt(E^2 - p^2), GeV, of four-momenta (..., 4); rounding below zero gives zero."""
    return np.sqrt(np.maximum(p4[..., 0] ** 2 - (p4[..., 1:] ** 2).sum(-1), 0))
