"""Four-momenta from (pt, rapidity, phi, mass), and the mass of a jet from its particles."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepexp.data.store.ragged import Ragged

Number = TypeVar("Number", bound=np.number)
SOFTEST = 1e-9  # GeV: below any measurable pT, but with a finite logarithm


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


def rapidity(pt: ArrayLike, eta: ArrayLike, mass: ArrayLike) -> NDArray[np.float64]:
    """Rapidity (m,) of particles of pT and mass (m,) in GeV at pseudorapidity eta (m,): asinh(pT sinh eta / mT)."""
    pt, eta, mass = (np.asarray(values, np.float64) for values in (pt, eta, mass))
    return np.arcsinh(pt * np.sinh(eta) / np.hypot(pt, mass))


def sums(values: NDArray[Number], jets: Ragged) -> NDArray[Number]:
    """Sum (n, ...) over the particles of each jet of values (m, ...); zero for a jet without particles."""
    total = np.zeros((len(jets), *values.shape[1:]), values.dtype)
    filled = np.flatnonzero(jets.counts)
    if len(filled):
        total[filled] = np.add.reduceat(values, jets.offsets[filled], axis=0)
    return total


def polar(p4: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """pT [GeV], rapidity and azimuth in (-pi, pi] of four-momenta (..., 4)."""
    e, px, py, pz = np.moveaxis(p4, -1, 0)
    transverse_mass = np.sqrt(np.maximum((e - pz) * (e + pz), np.finfo(float).tiny))
    return np.hypot(px, py), np.arcsinh(pz / transverse_mass), np.arctan2(py, px)


def around_axis(jets: Ragged) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """pT [GeV] of each particle (m,), and its rapidity and azimuth relative to the jet axis, the sum of all p4.

    A particle along the beam is given the pT SOFTEST, so that logarithms and fractions of pT are finite.
    """
    _, axis_y, axis_phi = (np.repeat(values, jets.counts) for values in polar(sums(jets["p4"], jets)))
    pt, y, phi = polar(jets["p4"])
    return np.maximum(pt, SOFTEST), y - axis_y, wrapped(phi - axis_phi)


def wrapped(phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles mapped to [-pi, pi)."""
    return (phi + np.pi) % (2 * np.pi) - np.pi


def invariant_mass(p4: NDArray[np.float64]) -> NDArray[np.float64]:
    """sqrt(E^2 - p^2), GeV, of four-momenta (..., 4); zero if rounding makes E^2 - p^2 negative."""
    return np.sqrt(np.maximum(p4[..., 0] ** 2 - (p4[..., 1:] ** 2).sum(-1), 0))
