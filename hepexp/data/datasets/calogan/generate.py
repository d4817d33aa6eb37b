"""Showers of single particles in the calorimeter of CaloGAN, simulated by Geant4.

Energies are flat between 1 and 100 GeV; each particle starts 48 mm in front of the calorimeter, along its axis.
Every deposit counts, in lead as in argon, as in the published files: cells have 0.9965 of the energy on average, cells
and overflow 0.9974, and the rest leaves the calorimeter.

A step ends where a cell does, so that Geant4's scorers in C++ do the counting: 0.54 s of processor time for a shower of
50 GeV, 0.40 s without any counting, 1.3 s with a function in Python at each step. Layer 0 has 0.312 +- 0.011, 0.193 +-
0.005 and 0.146 +- 0.003 of the energy of positrons of 1 to 20, 20 to 50 and 50 to 100 GeV; with such a function, when
steps do not end at cells, it had 0.305 +- 0.014, 0.171 +- 0.015 and 0.138 +- 0.007.

Photons and positrons have electromagnetic interactions only (G4EmStandardPhysics, production cuts of 0.7 mm), without
the few nuclear reactions of photons; pi+ have those of FTFP_BERT. The published files were made with an older Geant4.

References
----------
M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from hepexp.data.datasets.calogan import calorimeter, geant4_data
from hepexp.data.datasets.calogan.info import CLASSES as EVERY_CLASS
from hepexp.data.store.images import from_dense
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError
from hepexp.simulation.block import block_seed, round_to_bits

if TYPE_CHECKING:
    from hepexp.data.datasets.calogan.geant4 import Showers

CLASSES = ("gamma", "eplus")
APART = ("piplus",)  # Geant4 has one physics list in a process
PACKAGES = ("geant4-pybind",)
BLOCK = 50  # showers, half a minute
ENERGIES = (1.0, 100.0)  # GeV
BITS = 9  # significant bits of the energy of a cell: correct to 1 part in 512
_MOST_SEED = 2**31 - 1


def settings(kind: str) -> list[str]:
    """The settings of the simulation of a class, for the record."""
    return [
        f"particle = {kind}, {ENERGIES[0]:g} to {ENERGIES[1]:g} GeV, flat",
        f"calorimeter = {calorimeter.N_PERIODS} x {calorimeter.PLATES} mm, layers cut at {calorimeter.CUTS} mm",
        f"physics = {'FTFP_BERT' if kind == 'piplus' else 'G4EmStandardPhysics'}, default cuts",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n showers of a block; see `Generator`."""
    label = EVERY_CLASS.index(kind)
    random = np.random.default_rng(block_seed(seed, label, block, len(EVERY_CLASS)))
    drawn = random.uniform(size=(n, 2))  # of each shower: its energy, and the seed of Geant4
    energy = (ENERGIES[0] + (ENERGIES[1] - ENERGIES[0]) * drawn[:, 0]).astype(np.float32)
    seeds = 1 + (drawn[:, 1] * (_MOST_SEED - 1)).astype(np.int64)
    cells, overflow = showers(kind == "piplus").run(kind, energy, seeds, report)
    outside = {f"overflow_{layer}": overflow[:, layer] for layer in range(len(calorimeter.CELLS))}
    return from_dense(np.full(n, label), round_to_bits(cells, BITS), energy=energy, **outside)


def require(classes: Sequence[str]) -> None:
    """Raise ConfigError if Geant4, or tables that it needs for some classes, are missing; says how to get them."""
    if find_spec("geant4_pybind") is None:
        raise ConfigError("geant4-pybind is not installed; pip install 'hepexp[geant4]'")
    for kind in classes:
        geant4_data.find(*_needed(kind == "piplus"))


def _needed(hadronic: bool) -> tuple[tuple[str, ...], str]:
    if hadronic:
        return geant4_data.HADRONIC, "the nuclear interactions of pi+"
    return geant4_data.ELECTROMAGNETIC, "electromagnetic showers"


@cache
def showers(hadronic: bool) -> Showers:
    """Geant4 with the calorimeter, of which there can be one in a process."""
    geant4_data.point_to(*_needed(hadronic))
    from hepexp.data.datasets.calogan.geant4 import Showers

    return Showers(hadronic)
