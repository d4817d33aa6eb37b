"""Labelled four-vectors whose classes have a known symmetry under linear transformations, or none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.simulation.block import block_seed

# components of the one vector of each example
LAYOUT = Layout(
    dict.fromkeys(("E", "px", "py", "pz"), np.float32),
    limits=dict.fromkeys(("E", "px", "py", "pz"), Limits(-1e6, 1e6, "GeV")),
)
SHELL = {"so13_light": 0.5, "so13_heavy": 1.0, "so13_spacelike": -0.75}  # sign(p^2) sqrt |p^2| in GeV
SPHERE = {"so3_inner": 0.75, "so3_outer": 1.5}  # |p| in GeV
BEAM = {"boosts_right": (0.5, 0.1), "boosts_up": (-0.2, 0.8)}  # (px, py) in GeV, linearly independent
CLUSTERS = {  # centres (E, px, py, pz) in GeV, linearly independent
    "none_near": ((1.2, 0.6, 0.1, -0.3), (1.3, -0.2, 0.9, 0.2)),
    "none_far": ((1.1, 0.1, -0.3, 0.8), (1.6, -0.7, -0.5, -0.6)),
}
CLASSES = (*SHELL, *SPHERE, *BEAM, *CLUSTERS)
PACKAGES: tuple[str, ...] = ()
BLOCK = 10_000
SPREAD = 0.05  # Gaussian, of ln m and ln |p|
BEAM_SPREAD = 0.02  # Gaussian, of ln mT, and in GeV of px and py: a linear map may shift them by little
RAPIDITY = 0.8  # standard deviation, of each component of the rapidity where it has three
MASS = 0.5  # GeV, of the vectors on spheres
WIDTH = (0.05, 0.03, 0.07, 0.04)  # GeV, standard deviations of (E, px, py, pz) in a cluster


def settings(kind: str) -> list[str]:
    """The parameters of the distribution of a class."""
    if kind in SHELL:
        square = "p^2 = -m^2" if SHELL[kind] < 0 else "p^2 = m^2"
        return [
            f"{square}, median m = {abs(SHELL[kind])} GeV",
            f"spread of ln m = {SPREAD}",
            "direction = isotropic",
            f"spread of {'the rapidity' if SHELL[kind] < 0 else 'each component of the rapidity'} = {RAPIDITY}",
        ]
    if kind in SPHERE:
        return [
            f"median |p| = {SPHERE[kind]} GeV",
            f"spread of ln |p| = {SPREAD}",
            "direction = isotropic",
            f"m = {MASS} GeV",
        ]
    if kind in BEAM:
        px, py = BEAM[kind]
        return [
            f"px = {px} GeV, py = {py} GeV, each with spread {BEAM_SPREAD} GeV",
            f"median mT = {_transverse_mass(kind):.4f} GeV",
            f"spread of ln mT = {BEAM_SPREAD}",
            f"spread of the rapidity along z = {RAPIDITY}",
        ]
    return [
        f"centres (E, px, py, pz) = {' or '.join(map(str, CLUSTERS[kind]))} GeV",
        f"spreads of (E, px, py, pz) = {WIDTH} GeV",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The n vectors of a block; see `Generator`."""
    label = CLASSES.index(kind)
    p4 = four_vectors(kind, n, np.random.default_rng(block_seed(seed, label, block, len(CLASSES))))
    report(n)
    return Ragged(
        np.full(n, label, np.int8),
        np.arange(n + 1),
        {name: p4[:, i].astype(dtype) for i, (name, dtype) in enumerate(LAYOUT.elements.items())},
    )


def four_vectors(kind: str, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Vectors (n, 4) of a class, (E, px, py, pz) in GeV.

    The Lorentz group has no invariant distribution, as the rapidity is unbounded: shells are narrow in p^2 and wide in
    rapidity, so that a small boost changes the distribution at second order and anything else at first. A light cone
    would be kept by dilations too. The directions of the others follow from what they are made of: the maps that keep
    two spheres of radii that are no dilations of each other are rotations; the transverse momenta of two beams leave
    a linear map no choice but to vanish on them, and four centres on everything.

    Parameters
    ----------
    kind : one of CLASSES.
    """
    if kind in SHELL:
        return _smeared(abs(SHELL[kind]), n, random) * _unit_shell(SHELL[kind] > 0, n, random)
    if kind in SPHERE:
        p = _smeared(SPHERE[kind], n, random) * _directions(n, random)
        return np.column_stack([np.hypot(MASS, np.linalg.norm(p, axis=1)), p])
    if kind in BEAM:
        transverse = BEAM[kind] + BEAM_SPREAD * random.normal(size=(n, 2))
        mass = _smeared(_transverse_mass(kind), n, random, BEAM_SPREAD)[:, 0]
        y = RAPIDITY * random.normal(size=n)
        return np.column_stack([mass * np.cosh(y), transverse, mass * np.sinh(y)])
    centres = np.array(CLUSTERS[kind])
    return centres[random.integers(len(centres), size=n)] + WIDTH * random.normal(size=(n, 4))


def _smeared(median: float, n: int, random: np.random.Generator, spread: float = SPREAD) -> NDArray[np.float64]:
    """Log-normal numbers (n, 1)."""
    return median * np.exp(spread * random.normal(size=(n, 1)))


def _directions(n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Isotropic unit vectors (n, 3)."""
    directions = random.normal(size=(n, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _unit_shell(timelike: bool, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Vectors (n, 4) with p^2 = 1, boosted from rest, or p^2 = -1, boosted along themselves from E = 0."""
    if timelike:
        rapidity = RAPIDITY * random.normal(size=(n, 3))
        size = np.linalg.norm(rapidity, axis=1, keepdims=True)
        return np.hstack([np.cosh(size), np.sinh(size) * rapidity / size])
    y = RAPIDITY * random.normal(size=(n, 1))
    return np.hstack([np.sinh(y), np.cosh(y) * _directions(n, random)])


def _transverse_mass(kind: str) -> float:
    return float(np.hypot(MASS, np.hypot(*BEAM[kind])))
