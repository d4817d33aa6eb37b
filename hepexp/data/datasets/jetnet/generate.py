"""Simulated jets like those of JetNet: gluons, light quarks, tops, W and Z near 1 TeV; see `simulation/tev_jets.py`.

The 150 hardest particles are kept. The radius of the jets, 0.4, was judged by JetNet's own jets: among radii of 0.3 to
0.8 it gives the nearest ones by the Frechet ParticleNet distance, and none in which |phi_rel| exceeds the 0.521 by
which the package `jetnet` normalises it; docs/topics/generators.md has the figures.

References
----------
R. Kansal et al., arXiv:2106.11535, section 2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hepexp.data.datasets.jetnet.info import CLASSES, LAYOUT, MOST_PARTICLES, RADIUS
from hepexp.data.physics.kinematics import invariant_mass, polar, wrapped
from hepexp.data.store.ragged import Ragged
from hepexp.simulation import tev_jets
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.large_r_jets import LargeRJets
from hepexp.simulation.particles import Particles

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 200  # jets per unit of work: about ten seconds
ANGLE_STEP = 2.0**-11  # 5e-4, a thirtieth of the finest cell, so that columns compress
BITS = 11  # significant bits of a momentum: 5e-4, far finer than the detector's resolution


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of a kind, and how they are clustered."""
    return [*tev_jets.settings(kind), f"jets = anti-kT, R = {RADIUS}"]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    return first(
        n, (_stored(kind, *found) for found in tev_jets.jets_of(kind, own_seed, MOST_PARTICLES, RADIUS)), report
    )


def _stored(kind: str, seen: Particles, jets: LargeRJets) -> Ragged:
    """The jets of one class, in the columns of the data set."""
    if len(jets.event) == 0:
        return LAYOUT.empty()
    pt, _, phi = polar(jets.momentum)
    eta = np.arcsinh(jets.momentum[:, 3] / pt)
    particles, jet = seen[jets.constituents], np.repeat(np.arange(len(jets.event)), np.diff(jets.offsets))
    columns = {
        "eta_rel": _on_grid(particles.eta - eta[jet]),
        "phi_rel": _on_grid(wrapped(particles.phi - phi[jet])),
        "pt_rel": round_to_bits(particles.pt / pt[jet], BITS),
    }
    of_jets = {"jet_pt": pt, "jet_eta": eta, "jet_mass": invariant_mass(jets.momentum)}
    return Ragged(
        np.full(len(jets.event), CLASSES.index(kind), np.int8),
        jets.offsets,
        {name: columns[name].astype(kind) for name, kind in LAYOUT.elements.items()},
        {name: round_to_bits(of_jets[name], BITS).astype(kind) for name, kind in LAYOUT.extras.items()},
    )


def _on_grid(angle: np.ndarray) -> np.ndarray:
    return np.round(angle / ANGLE_STEP) * ANGLE_STEP
