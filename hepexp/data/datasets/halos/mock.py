"""The mock's laws of halos at z = 0: sizes, subhalos, stellar masses, and how galaxies move in them.

Masses are M200c in Msun/h, of stars too; lengths in Mpc/h, velocities in km/s. In these units h cancels in G M / R.

References
----------
B. P. Moster, T. Naab, S. D. M. White, arXiv:1205.5807, equation 2 and table 1 (stellar masses); C. Giocoli, G. Tormen,
F. C. van den Bosch, arXiv:0712.1563 (subhalos before their evolution); E. L. Lokas, G. A. Mamon, arXiv:astro-ph/0002395
(NFW); A. V. Kravtsov, arXiv:1212.2980 (half-mass radii); H. Guo et al., arXiv:1407.4811 (velocities of centrals).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import lambertw, spence

Array = NDArray[np.float64]

H = 0.6766  # of Planck 2018
G = 4.30091e-9  # Mpc (km/s)^2 / Msun
CRITICAL = 2.77536627e11  # Msun/h / (Mpc/h)^3
MASSES = (11.5, 15.0)  # log10 of M200c of halos
SCATTER = 0.15  # dex of stellar masses, the one that table 1 of arXiv:1205.5807 is for
SCATTERS = (0.05, 0.3)  # dex that can be chosen
FAINTEST = 9.0  # log10 of the least stellar mass that is observed
C_SCATTER = 0.16  # dex of concentrations
SIZE, SIZE_SCATTER = 0.015, 0.2  # half-mass radius / R200, and dex
CENTRAL = 0.3  # velocity dispersion of centrals in that of the halo, V200 / sqrt 2
_SUBHALOS = (0.21, 0.8, 6.283)  # N0, alpha and the cut-off of arXiv:0712.1563
LARGEST = 1 / _SUBHALOS[1]  # x of a subhalo of the mass of its halo
_X = np.geomspace(1e-5, LARGEST, 4001)


def log_stars(log_mass: Array) -> Array:
    """Mean of log10 of the stellar mass of a halo, or of a subhalo by its mass when it fell in.

    m / M = 2 N / [(M / M1)^-beta + (M / M1)^gamma], for masses in Msun.
    """
    over = log_mass - np.log10(H) - 11.590
    return log_mass + np.log10(2 * 0.0351) - np.log10(10 ** (-1.376 * over) + 10 ** (0.608 * over))


def radius(log_mass: Array) -> Array:
    """R200 in Mpc/h: within it the mean density is 200 times the critical one."""
    return np.cbrt(3 * 10**log_mass / (800 * np.pi * CRITICAL))


def circular_velocity(log_mass: Array) -> Array:
    """V200 = (G M / R200)^1/2 in km/s."""
    return np.sqrt(G * 10**log_mass / radius(log_mass))


def log_size(log_mass: Array) -> Array:
    """log10 of the median half-mass radius in kpc/h."""
    return np.log10(1e3 * SIZE * radius(log_mass))


def subhalos(ratio: Array) -> Array:
    """dN / dln m of subhalos of masses m = ratio M when they fell in: N0 x^-alpha exp(-6.283 x^3), x = m / (alpha M).

    Zero above the mass of the halo.
    """
    n0, alpha, cut = _SUBHALOS
    x = ratio / alpha
    return np.where(ratio <= 1, n0 * x**-alpha * np.exp(-cut * x**3), 0)


_DENSITY = subhalos(_SUBHALOS[1] * _X)
_ABOVE = np.append(np.cumsum(((_DENSITY[1:] + _DENSITY[:-1]) / 2 * np.diff(np.log(_X)))[::-1])[::-1], 0)


def n_subhalos(ratio: Array) -> Array:
    """Mean number of subhalos above this ratio of masses, down to 1e-5."""
    return np.interp(np.log(ratio / _SUBHALOS[1]), np.log(_X), _ABOVE)


def ratio_of(n: Array) -> Array:
    """The ratio of masses above which there are n subhalos in the mean, the inverse of `n_subhalos`."""
    return _SUBHALOS[1] * np.exp(np.interp(-n, -_ABOVE, np.log(_X)))


def enclosed(x: Array) -> Array:
    """ln(1 + x) - x / (1 + x): the mass of an NFW profile within x scale radii, in units of 4 pi rho_s r_s^3."""
    return np.log1p(x) - x / (1 + x)


def radius_enclosing(y: Array) -> Array:
    """The inverse of `enclosed`: p = 1 / (1 + x) solves p exp(-p) = exp(-1 - y)."""
    p = -lambertw(-np.exp(-1 - y)).real
    return 1 / p - 1


def dispersion(x: Array) -> Array:
    """sigma^2 / (V200^2 c / m(c)) in one direction at x scale radii of an NFW profile with isotropic velocities.

    Here m(c) = `enclosed`(c). It solves sigma^2 = 1 / rho int_r^inf rho G M / r^2 dr, as in arXiv:astro-ph/0002395.
    """
    log1p, y = np.log1p(x), 1 + x
    bracket = np.pi**2 - np.log(x) - 1 / x - 1 / y**2 - 6 / y
    bracket += (1 + 1 / x**2 - 4 / x - 2 / y) * log1p + 3 * log1p**2 + 6 * spence(y)
    return x * y**2 * bracket / 2
