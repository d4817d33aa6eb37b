"""Electromagnetic showers in lead tungstate, parametrised along and across their axis.

Along the axis the energy follows a gamma distribution in the depth t (Longo and Sestili),

    dE/dt = E beta^alpha t^(alpha - 1) exp(-beta t) / Gamma(alpha),    maximum at T = (alpha - 1) / beta,

where ln T and ln alpha have correlated fluctuations from shower to shower. The lateral profile at tau = t / T is a sum
of a core and a tail,

    f(r) = p 2 r R_C^2 / (r^2 + R_C^2)^2 + (1 - p) 2 r R_T^2 / (r^2 + R_T^2)^2.

Both are bivariate Student t distributions, whose integral over a crystal has a closed form.

References
----------
G. Grindhammer and S. Peters, hep-ex/0001020, appendix A.1 (homogeneous media): all numbers in this file without another
source. E. Longo and I. Sestili, NIM 128 (1975) 283. PDG, Passage of particles through matter: photons vs electrons.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

Z = 68.4  # effective atomic number of PbWO4
CRITICAL_ENERGY = 0.0087  # GeV
CRYSTAL_LENGTH = 25.8  # radiation lengths
CRYSTAL_SIDE = 1.0  # Moliere radii: both are 2.2 cm
PAIR_LENGTH = 9 / 7  # mean free path of a photon before pair production, in radiation lengths

CORE_SHARE = 1.05  # scale factor of p, so that crystals next to the hottest one have as little energy as in CMS crops

# CMS showers are wider in phi by this factor: the field bends their soft electrons, and the crystals are tilted.
PHI_STRETCH = 1.14

# Slices of the shower in tau, each with the radii at its middle: narrow before the maximum, wide after it.
SLICES = np.array([0.0, 0.6, 1.0, 1.5, 2.2, 3.2])


def mean_profile(energy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Depth T of the maximum, in radiation lengths, and alpha, for the mean shower of an electron (energy in GeV)."""
    y = np.log(np.maximum(energy / CRITICAL_ENERGY, 3.5))  # below, the shower is a single electron that stops
    return y - 0.858, 0.21 + (0.492 + 2.38 / Z) * y


def draw_profiles(
    energy: NDArray[np.float64], random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """T and alpha (m,) of m individual showers of these energies in GeV."""
    y = np.log(np.maximum(energy / CRITICAL_ENERGY, 20.0))  # the widths are fitted to showers of many particles
    sigma_t, sigma_alpha, rho = 1 / (-1.4 + 1.26 * y), 1 / (-0.58 + 0.86 * y), 0.705 - 0.023 * y
    one, two = random.standard_normal((2, len(energy)))
    common, opposed = np.sqrt((1 + rho) / 2) * one, np.sqrt((1 - rho) / 2) * two
    t_max, alpha = mean_profile(energy)
    alpha = np.maximum(
        alpha * np.exp(sigma_alpha * (common - opposed)), 1.05
    )  # so that the maximum lies behind the front face
    return t_max * np.exp(sigma_t * (common + opposed)), alpha


def fraction_before(t: NDArray[np.float64], t_max: NDArray[np.float64], alpha: NDArray[np.float64]) -> NDArray:
    """Fraction of a shower's energy in front of depth t, in radiation lengths."""
    return gammainc(alpha, (alpha - 1) * np.maximum(t, 0) / t_max)


def lateral_radii(tau: NDArray[np.float64], energy: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
    """R_C and R_T in Moliere radii, and the core fraction p, at depth tau for these energies in GeV."""
    log_e = np.log(np.clip(energy, 0.4, None))  # the range of the fit
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * Z) * tau
    tail = (0.659 - 0.00309 * Z) * (np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0421 * log_e) * (tau - 0.645)))
    u = (0.401 + 0.00187 * Z - tau) / (1.313 - 0.0686 * log_e)
    return core, tail, np.clip(CORE_SHARE * (2.632 - 0.00094 * Z) * np.exp(u - np.exp(u)), 0, 1)


def _quadrant(x: NDArray, y: NDArray, radius: NDArray) -> NDArray:
    """Integral of R^2 / (pi (x^2 + y^2 + R^2)^2) over the rectangle from (0, 0) to (x, y)."""
    a, b = 1 / np.sqrt(x * x + radius * radius), 1 / np.sqrt(y * y + radius * radius)
    return (x * a * np.arctan(y * a) + y * b * np.arctan(x * b)) / (2 * np.pi)


def crystal_shares(
    x: NDArray[np.float64], y: NDArray[np.float64], slices: NDArray[np.float64], energy: NDArray[np.float64], side: int
) -> NDArray[np.float64]:
    """Fraction of the energy of m showers in each of side x side crystals, with the crystal hit in the middle.

    Parameters
    ----------
    x, y : (m,) impact point relative to the middle of its crystal, in units of the crystal's side, -0.5 to 0.5.
    slices : (m, slices) fraction of the energy in each slice of `SLICES`.
    energy : (m,) GeV.

    Returns
    -------
    (m, side, side); over an infinite plane of crystals, the fractions of a shower would add up to those of its slices.
    """
    edges = np.arange(side + 1) - side / 2
    across = ((edges - x[:, None]) * CRYSTAL_SIDE).astype(np.float32)[:, :, None]
    along = ((edges - y[:, None]) * CRYSTAL_SIDE / PHI_STRETCH).astype(np.float32)[:, None, :]
    corners = np.zeros((len(x), side + 1, side + 1), np.float32)
    for k, tau in enumerate((SLICES[1:] + SLICES[:-1]) / 2):
        core, tail, p = lateral_radii(tau, energy)
        for radius, share in ((core, p), (tail, 1 - p)):
            weight = (share * slices[:, k]).astype(np.float32)[:, None, None]
            corners += weight * _quadrant(across, along, radius.astype(np.float32)[:, None, None])
    return np.diff(np.diff(corners, axis=1), axis=2).astype(np.float64).clip(0)


def slice_shares(
    energy: NDArray[np.float64], photon: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.float64]:
    """Fraction of the energy of m showers in each slice (m, slices), not including rear leakage.

    A photon's shower starts at its conversion; as the pair shares the energy, the maximum lies 2/7 of a radiation
    length closer to the start, and thus 1 radiation length deeper in total, in agreement with the PDG.
    """
    t_max, alpha = draw_profiles(np.where(photon, energy * np.exp(-2 / 7), energy), random)
    start = np.where(photon, random.exponential(PAIR_LENGTH, len(energy)), 0.0)
    depths = np.minimum(SLICES * t_max[:, None], (CRYSTAL_LENGTH - start)[:, None])
    depths[:, -1] = CRYSTAL_LENGTH - start
    return np.diff(fraction_before(depths, t_max[:, None], alpha[:, None]), axis=1).clip(0)
