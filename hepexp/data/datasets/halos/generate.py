"""A mock catalogue of halos and their galaxies at z = 0.

Halos have masses of 10^11.5 to 10^15 Msun/h from the mass function and log-normal concentrations, of 0.16 dex about
those of a fit, by Colossus. The number of subhalos above a mass is Poisson distributed, by their masses when they fell
in. Each of them holds a satellite, and the halo a central galaxy; the logarithm of the stellar mass is that of the
relation of arXiv:1205.5807 at z = 0, which depends on the mass of the (sub)halo alone, with a normal deviate.

Satellites follow the NFW profile within R200, with normal velocities, alike in all directions, of its dispersion; the
central one is in the origin and moves with 0.3 of the halo's dispersion, V200 / sqrt 2. Half-mass radii are 0.015 R200
of the (sub)halo, with 0.2 dex. In `mock.py` are the formulas.

What is kept is what can be seen with some scatter from 0.05 to 0.3 dex: galaxies above 10^9 Msun/h, and halos with a
central one and a satellite.

Limitations: no simulation of gravity or gas, halos are spheres and alone; satellites have neither lost mass nor formed
their stars earlier than at z = 0; stellar mass, size, place and velocity are independent but for the masses.

References
----------
Those of `mock.py` and `abundance.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import count

import numpy as np
from scipy.optimize import brentq

from hepexp.data.datasets.halos import mock
from hepexp.data.datasets.halos.abundance import Abundance, by_colossus
from hepexp.data.datasets.halos.info import AXES, CLASSES, LAYOUT
from hepexp.data.datasets.halos.mock import FAINTEST, SCATTERS, Array
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import ConfigError
from hepexp.simulation.block import block_seed, first, round_to_bits, round_to_step

PACKAGES = ("colossus",)
BLOCK = 5000  # halos, a few seconds
AT_ONCE = 10_000  # halos of which those are kept that can be seen
MOST_DEVIATE = 4.5  # of a satellite: beyond are 3 in a million
LEAST_SUBHALO = brentq(lambda m: mock.log_stars(m) + MOST_DEVIATE * SCATTERS[1] - FAINTEST, 8, 12)
BITS = 12


def settings(kind: str) -> list[str]:
    """The parameters of the mock."""
    return [
        f"log10 M200c / (Msun/h) = {mock.MASSES[0]} to {mock.MASSES[1]}, Tinker 2008, planck18, z = 0",
        f"concentrations = Dutton and Maccio 2014, {mock.C_SCATTER} dex",
        "stellar masses = Moster, Naab and White 2013, z = 0",
        f"half-mass radii = {mock.SIZE} R200, {mock.SIZE_SCATTER} dex",
        f"galaxies above 10^{FAINTEST:g} Msun/h with some scatter of {SCATTERS[0]} to {SCATTERS[1]} dex",
    ]


def require(classes: Sequence[str]) -> None:
    """Raise ConfigError if Colossus is missing."""
    if find_spec("colossus") is None:
        raise ConfigError("colossus is not installed; pip install 'hepexp[halos]'")


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n halos of a block, fully determined by the arguments; see `Generator`."""
    random = np.random.default_rng(block_seed(seed, 0, block, len(CLASSES)))
    abundance = by_colossus()
    return first(n, (draw(abundance, AT_ONCE, random) for _ in count()), report)


def draw(abundance: Abundance, n: int, random: np.random.Generator) -> Ragged:
    """Those of n halos of the mass function that can be seen with some scatter."""
    log_mass = np.clip(round_to_step(abundance.draw(n, random), BITS), *mock.MASSES)
    log_c = abundance.log_concentration(log_mass) + mock.C_SCATTER * random.normal(size=n)
    c = round_to_bits(10**log_c, BITS)
    most = mock.n_subhalos(10 ** (LEAST_SUBHALO - log_mass))
    number = random.poisson(most)
    host = np.repeat(np.arange(n), number)
    log_subhalo = log_mass[host] + np.log10(mock.ratio_of(random.random(len(host)) * most[host]))
    scale = mock.radius(log_mass) / c
    x = mock.radius_enclosing(random.random(len(host)) * mock.enclosed(c)[host])
    unit = mock.circular_velocity(log_mass) * np.sqrt(c / mock.enclosed(c))
    sigma = unit[host] * np.sqrt(mock.dispersion(np.maximum(x, 1e-4)))
    place = _directions(len(host), random) * (x * scale[host])[:, None]
    slow = mock.CENTRAL * mock.circular_velocity(log_mass) / np.sqrt(2)

    owner = np.concatenate([np.arange(n), host])
    own_mass = np.concatenate([log_mass, log_subhalo])
    m = len(owner)
    speed = np.concatenate([slow, sigma]) * np.linalg.norm(random.normal(size=(m, 3)), axis=1)
    log_size = mock.log_size(own_mass) + mock.SIZE_SCATTER * random.normal(size=m)
    columns = {
        **{axis: np.append(np.zeros(n), round_to_bits(place[:, i], BITS)) for i, axis in enumerate(AXES)},
        "speed": round_to_bits(np.maximum(speed, 1e-2), BITS),
        "size": round_to_bits(10**log_size, BITS),
        "log_stars_mean": round_to_step(mock.log_stars(own_mass), BITS),
        "deviate": round_to_step(np.clip(random.normal(size=m), -9, 9), BITS - 2),
    }
    deviate = columns["deviate"]
    seen = columns["log_stars_mean"] + np.where(deviate > 0, SCATTERS[1], SCATTERS[0]) * deviate > FAINTEST
    halo = seen[:n] & (np.bincount(owner[seen], minlength=n) > 1)
    seen &= halo[owner]
    order = np.flatnonzero(seen)
    order = order[np.lexsort((-columns["log_stars_mean"][order], order >= n, owner[order]))]  # the central one first
    return Ragged(
        np.zeros(int(halo.sum()), np.int8),
        offsets_of(np.bincount(owner[order], minlength=n)[halo]),
        {name: columns[name][order] for name in LAYOUT.elements},
        {"log_mass": log_mass[halo], "concentration": c[halo]},
    ).cast(LAYOUT)


def _directions(n: int, random: np.random.Generator) -> Array:
    """Unit vectors (n, 3), isotropic."""
    found = random.normal(size=(n, 3))
    return found / np.linalg.norm(found, axis=1, keepdims=True)
