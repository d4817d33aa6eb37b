"""Simulated events with two tops that decay to quarks, as jets with b-tags.

Top pairs at 13 TeV with both W decaying to quarks, generated with Pythia 8 with multiparton interactions; a simplified
version of Delphes' CMS card (`simulation/detector.py`, `simulation/cms_card.py`); anti-kT jets of radius 0.4 of all
tracks and towers, with pT > 25 GeV and |eta| < 2.5, the 16 hardest; events with at least 6 jets and 2 b-tags.

A jet is that of a decay product, as the top's decay made it, if it is the nearest one, within 0.4 of it; if it is that
of two products, it is that of neither. B-tags are drawn with the efficiencies of the card by the heaviest quark before
hadronisation within 0.4 of the jet: b 0.85 tanh(0.0025 pT) 25 / (1 + 0.063 pT), c 0.25 tanh(0.018 pT) /
(1 + 0.0013 pT), otherwise 0.01 + 3.8e-5 pT, pT in GeV.

Limitations: leading-order matrix elements; no pile-up; no correction of the jet energy scale; the detector is
parametrised.

References
----------
A. Shmakov et al., arXiv:2106.03898, section 4.1; Delphes, arXiv:1307.6346.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.ttbar_assignment.info import CLASSES, ROLES
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation.block import block_seed, first, round_to_bits, round_to_step
from hepexp.simulation.cms_card import CMS, b_tag_efficiency
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.pythia import HARD_PRODUCT, make_pythia, visible_particles
from hepexp.simulation.small_r_jets import BOTTOM, Directions, flavour, jets_of, nearest

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 500  # events per unit of work
EVENTS_AT_ONCE = 100
RADIUS = 0.4
LEAST_PT, MOST_ETA, MOST_JETS = 25.0, 2.5, 16
LEAST_JETS, LEAST_TAGS = 6, 2
TOP, W = 6, 24
BITS = 12  # significant bits of pT and mass; angles to 2^-12: far finer than the resolution, so that columns compress


def settings(kind: str) -> list[str]:
    """Pythia's settings."""
    return [
        "Beams:eCM = 13000.",
        "Top:gg2ttbar = on",
        "Top:qqbar2ttbar = on",
        "24:onMode = off",
        "24:onIfAny = 1 2 3 4 5",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n events of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, 0, block, len(CLASSES))
    random, pythia = np.random.default_rng(own_seed), make_pythia(settings(kind), own_seed)
    return first(n, (select(pythia.nextBatch(EVENTS_AT_ONCE), random) for _ in count()), report)


def select(events: ak.Array, random: np.random.Generator) -> Ragged:
    """The selected events of some, as returned by `pythia8mc.Pythia.nextBatch`."""
    seen = CMS.energy_flow(visible_particles(events, MAX_ETA), random)
    p4, jets = jets_of(seen, len(events), RADIUS, LEAST_PT, MOST_ETA, MOST_JETS)
    pt = np.hypot(p4[:, 1], p4[:, 2])
    tagged = random.random(len(pt)) < b_tag_efficiency(pt, flavour(events, jets, RADIUS))
    top, role = _parents(events, jets)
    n_jets, n_tags = (np.bincount(jets.event, weight, minlength=len(events)) for weight in (None, tagged))
    passed = (n_jets >= LEAST_JETS) & (n_tags >= LEAST_TAGS)
    kept = passed[jets.event]
    return Ragged(
        np.zeros(int(passed.sum()), np.int8),
        offsets_of(n_jets[passed].astype(np.int64)),
        {
            "pt": round_to_bits(pt[kept], BITS).astype(np.float32),
            "eta": round_to_step(jets.eta[kept], BITS).astype(np.float32),
            "phi": round_to_step(jets.phi[kept], BITS).astype(np.float32),
            "mass": round_to_bits(invariant_mass(p4[kept]), BITS).astype(np.float32),
            "btag": tagged[kept].astype(np.int8),
            "top": top[kept],
            "role": role[kept],
        },
    )


def _parents(events: ak.Array, jets: Directions) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The top, 1 or 2, and the role of each jet (m,), or 0."""
    particles = events.prt
    mother = particles.id[particles.mother1]
    hard = particles.status == HARD_PRODUCT
    found, numbers, roles = [], [], []
    for number, sign in ((1, 1), (2, -1)):
        for role, parent in (("bottom", sign * TOP), ("quark", sign * W)):
            products = particles[hard & (mother == parent) & (abs(particles.id) <= BOTTOM)]
            jet, _ = nearest(jets, Directions.of_particles(products), RADIUS)
            found.append(jet)
            numbers.append(np.full(len(jet), number, np.int8))
            roles.append(np.full(len(jet), ROLES.index(role), np.int8))
    jet = np.concatenate(found)
    of_one = np.bincount(jet, minlength=len(jets.event))[jet] == 1
    top, kind = np.zeros((2, len(jets.event)), np.int8)
    top[jet[of_one]], kind[jet[of_one]] = np.concatenate(numbers)[of_one], np.concatenate(roles)[of_one]
    return top, kind
