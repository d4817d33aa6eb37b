"""The mass of a halo as well as it can be known: the posterior under the mock's own laws, on a grid.

Given the mass M and the concentration c of a halo, its central galaxy and its satellites are independent, and
satellites above the faintest stellar mass are a Poisson process. With what a network is given of each galaxy, its
place, stellar mass, half-mass radius and speed,

    p(M | all of these) ~ n(M) int dc p(c | M) p(central | M) exp(-N(M)) prod_i lambda(satellite_i | M, c),

lambda(s) = p(r | M, c) p(|v| | r, M, c) int dln m dN/dln m(m | M) p(M* | m) p(size | m), and N(M) the mean number of
satellites above the faintest stellar mass. The prior n(M) is the mass function within the range of the data set. Which
galaxy is central, at the origin, is known; c and the masses of subhalos are not. No function of these data has a
smaller mean square error than the mean of this posterior.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import ndtr

from hepexp.data.datasets.halos import mock
from hepexp.data.datasets.halos.abundance import Abundance
from hepexp.data.datasets.halos.mock import Array
from hepexp.data.store.ragged import Ragged

STEP = 0.005  # dex between masses of halos; with hundreds of galaxies a mass is known to 0.01
SUBHALO_STEP = 0.01  # dex between those of subhalos
LEAST_SUBHALO = 10.0
N_CONCENTRATIONS = 9  # nodes of Gauss and Hermite
GALAXIES_AT_ONCE = 250
_LOG_X = np.linspace(np.log(1e-4), np.log(1e3), 2001)
_LOG_DISPERSION = np.log(mock.dispersion(np.exp(_LOG_X)))


class Optimum:
    """Mean and standard deviation of the posterior of log10 M200c of halos.

    Parameters
    ----------
    scatter : of log10 of stellar masses, in dex.
    masses : range of log10 M200c of the halos.
    abundance : mass function and concentrations.

    Shapes
    ------
    n halos with the columns x, y, z, speed, size and log_stars, the central galaxy first -> (n,) and (n,), in dex.
    """

    def __init__(self, scatter: float, masses: tuple[float, float], abundance: Abundance) -> None:
        self.scatter = scatter
        low, high = masses
        n = max(8, round((high - low) / STEP))
        self.log_mass = low + (np.arange(n) + 0.5) * (high - low) / n  # (K,)
        self.prior = np.log(abundance.density(self.log_mass))
        nodes, weights = hermegauss(N_CONCENTRATIONS)
        self.log_weight = np.log(weights / weights.sum())  # (C,)
        self.c = 10 ** (abundance.log_concentration(self.log_mass)[:, None] + mock.C_SCATTER * nodes)  # (K, C)
        self.radius, self.velocity = mock.radius(self.log_mass), mock.circular_velocity(self.log_mass)
        self.log_subhalo = np.arange(LEAST_SUBHALO, masses[1], SUBHALO_STEP) + SUBHALO_STEP / 2  # (S,)
        per_bin = np.log(10) * SUBHALO_STEP
        self.subhalos = per_bin * mock.subhalos(10 ** (self.log_subhalo[:, None] - self.log_mass))  # (S, K)
        seen = ndtr((mock.log_stars(self.log_subhalo) - mock.FAINTEST) / scatter)
        self.n_seen = seen @ self.subhalos  # (K,)

    def __call__(self, halos: Ragged) -> tuple[Array, Array]:
        found = [self.posterior(halos.take(np.arange(*some))) for some in _parts(halos)]
        weight = np.concatenate([np.zeros((0, len(self.log_mass))), *found])
        mean = weight @ self.log_mass
        return mean, np.sqrt((weight * (self.log_mass - mean[:, None]) ** 2).sum(1))

    def posterior(self, halos: Ragged) -> Array:
        """The posterior (n, K) on the grid of masses, which adds up to 1."""
        central = np.zeros(len(halos["speed"]), bool)
        central[halos.offsets[:-1]] = True
        owner = np.repeat(np.arange(len(halos)), halos.counts)
        of = {name: halos[name].astype(np.float64) for name in ("x", "y", "z", "speed", "size", "log_stars")}
        log_size = np.log10(of["size"])
        stars = self._kernel(of["log_stars"][central, None], log_size[central, None], self.log_mass)  # (n, K)
        slow = mock.CENTRAL * self.velocity / np.sqrt(2)
        log_p = self.prior - self.n_seen + stars + _log_maxwell(of["speed"][central, None], slow)

        own = owner[~central]
        satellites = {name: values[~central] for name, values in of.items()}
        log_kernel = self._kernel(satellites["log_stars"][:, None], log_size[~central, None], self.log_subhalo)
        top = log_kernel.max(1, initial=-np.inf, keepdims=True)
        with np.errstate(divide="ignore"):  # a subhalo as heavy as that is in no halo so light
            log_made = np.log(np.exp(log_kernel - top) @ self.subhalos) + top
        np.add.at(log_p, own, log_made)

        moving = np.zeros((len(halos), *self.c.shape))  # (n, K, C)
        r = np.sqrt(sum(satellites[axis] ** 2 for axis in "xyz"))
        for start, stop in pairwise([*range(0, len(own), GALAXIES_AT_ONCE), len(own)]):
            some = slice(start, stop)
            np.add.at(moving, own[some], self._log_moving(r[some], satellites["speed"][some]))
        joint = log_p[..., None] + moving + self.log_weight
        joint -= joint.max((1, 2), keepdims=True)
        weight = np.exp(joint).sum(2)
        return weight / weight.sum(1, keepdims=True)

    def _kernel(self, log_stars: Array, log_size: Array, log_mass: Array) -> Array:
        """ln p(log10 M*, log10 size | mass), without constants: (m, 1) and (K,) -> (m, K)."""
        stars = (log_stars - mock.log_stars(log_mass)) / self.scatter
        size = (log_size - mock.log_size(log_mass)) / mock.SIZE_SCATTER
        return -(stars**2 + size**2) / 2

    def _log_moving(self, r: Array, speed: Array) -> Array:
        """ln p(r, |v|) of satellites (m,), without what depends on neither mass nor concentration: (m, K, C)."""
        x = np.maximum(r[:, None, None] * (self.c / self.radius[:, None]), 1e-4)
        unit = mock.enclosed(self.c)
        log_sigma = (np.interp(np.log(x), _LOG_X, _LOG_DISPERSION) + np.log(self.c / unit)) / 2
        log_sigma += np.log(self.velocity)[:, None]
        log_p = np.log(x / (1 + x) ** 2 * (self.c / self.radius[:, None]) / unit)
        log_p -= 3 * log_sigma + speed[:, None, None] ** 2 * np.exp(-2 * log_sigma) / 2
        # float32 and rounding put some satellites of the edge beyond it
        return np.where(r[:, None, None] <= self.radius[:, None] * 1.001, log_p, -np.inf)


def _log_maxwell(speed: Array, sigma: Array) -> Array:
    """ln p(|v|) for normal velocities of this width in each direction, without what depends on the speed alone."""
    return -3 * np.log(sigma) - (speed / sigma) ** 2 / 2


def _parts(halos: Ragged) -> list[tuple[int, int]]:
    """First and last row of parts of about a thousand galaxies."""
    part = halos.offsets[1:] // (4 * GALAXIES_AT_ONCE)
    bounds: NDArray[np.int64] = np.append(np.flatnonzero(np.diff(part, prepend=-1)), len(halos))
    return list(pairwise(bounds.tolist()))
