"""Simulated events with two or four tops and one lepton, as objects.

At 13 TeV, with Pythia 8 and multiparton interactions. Background: top pairs of which one decays to an electron or muon,
the other to quarks. Signal: two top pairs from two hard processes of the same collision, with all decays. It is like
four tops in its objects and their momenta, but the pairs do not know of each other, as they do in gg -> tttt.

A simplified version of Delphes' CMS card (`simulation/detector.py`, `simulation/cms_card.py`). A lepton has pT > 25 GeV
and |eta| < 2.5, and within 0.3 of it less than 15 % of its pT. Jets are anti-kT, of radius 0.4, of everything else that
is seen, with pT > 25 GeV and |eta| < 2.5, the 16 hardest; b-tags as in `ttbar_assignment`. The missing momentum is
minus that of everything that is seen. Events have exactly one lepton, at least 5 jets and 2 b-tags.

Limitations: leading-order matrix elements, so the background's further jets are from showers; no other backgrounds; no
pile-up; nothing is seen beyond |eta| = 3.2; the detector is parametrised.

References
----------
ATLAS, arXiv:2303.15061; Delphes, arXiv:1307.6346.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.four_tops.info import CLASSES, KINDS
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation.block import block_seed, first, round_to_bits, round_to_step
from hepexp.simulation.cms_card import CMS, b_tag_efficiency
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.particles import ELECTRON, MUON, Particles
from hepexp.simulation.pythia import HARD_PRODUCT, is_lepton, make_pythia, visible_particles
from hepexp.simulation.small_r_jets import Directions, distances, flavour, jets_of

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 250  # events per unit of work
EVENTS_AT_ONCE = 100
RADIUS = 0.4
LEAST_PT, MOST_ETA, MOST_JETS = 25.0, 2.5, 16
CONE, MOST_AROUND = 0.3, 0.15  # isolation of leptons
LEAST_JETS, LEAST_TAGS = 5, 2
BITS = 12  # significant bits of pT and mass; angles to 2^-12: far finer than the resolution, so that columns compress
_TOPS = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")
_DECAYS = {
    "ttbar": ("24:onMode = off", "24:onPosIfAny = 11 13", "24:onNegIfAny = 1 2 3 4 5"),
    "four_tops": ("SecondHard:generate = on", "SecondHard:TopPair = on"),
}


def settings(kind: str) -> list[str]:
    """Pythia's settings of a class."""
    return ["Beams:eCM = 13000.", *_TOPS, *_DECAYS[kind]]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n events of a class of a block, fully determined by the arguments; see `Generator`."""
    label = CLASSES.index(kind)
    own_seed = block_seed(seed, label, block, len(CLASSES))
    random, pythia = np.random.default_rng(own_seed), make_pythia(settings(kind), own_seed)
    return first(n, (select(pythia.nextBatch(EVENTS_AT_ONCE), label, random) for _ in count()), report)


def select(events: ak.Array, label: int, random: np.random.Generator) -> Ragged:
    """The selected events of some, as returned by `pythia8mc.Pythia.nextBatch`.

    Charges of leptons are reversed in half of the events: those of the background are all positive before.
    """
    particles = events.prt
    hard = is_lepton(particles.id) & (particles.status == HARD_PRODUCT)
    events = events[ak.any(hard & (particles.p.px**2 + particles.p.py**2 > (LEAST_PT / 2) ** 2), axis=1)]
    n_events = len(events)
    seen = CMS.energy_flow(visible_particles(events, MAX_ETA), random)
    is_good = isolated_leptons(seen)
    lepton = seen[is_good]
    p4, jets = jets_of(seen[~is_good], n_events, RADIUS, LEAST_PT, MOST_ETA, MOST_JETS)
    pt = np.hypot(p4[:, 1], p4[:, 2])
    tagged = random.random(len(pt)) < b_tag_efficiency(pt, flavour(events, jets, RADIUS))
    missing = -np.stack([np.bincount(seen.event, p, n_events) for p in seen.momentum.T[1:3]], axis=1)
    n_jets, n_tags = (np.bincount(jets.event, weight, n_events) for weight in (None, tagged))
    n_leptons = np.bincount(lepton.event, minlength=n_events)
    passed = (n_leptons == 1) & (n_jets >= LEAST_JETS) & (n_tags >= LEAST_TAGS)
    reversed_ = random.choice([-1, 1], n_events)

    nothing = np.zeros(n_events)
    kinds = np.select([lepton.kind == ELECTRON, lepton.kind == MUON], [KINDS.index("electron"), KINDS.index("muon")])
    missing_kind = np.full(n_events, KINDS.index("missing momentum"))
    parts = [  # event, pt, eta, phi, mass, kind, charge, b-tag
        (jets.event, pt, jets.eta, jets.phi, invariant_mass(p4), 0 * pt, 0 * pt, tagged),
        (
            lepton.event,
            lepton.pt,
            lepton.eta,
            lepton.phi,
            lepton.mass,
            kinds,
            lepton.charge * reversed_[lepton.event],
            0 * lepton.pt,
        ),
        (
            np.arange(n_events),
            np.hypot(*missing.T),
            nothing,
            np.arctan2(missing[:, 1], missing[:, 0]),
            nothing,
            missing_kind,
            nothing,
            nothing,
        ),
    ]
    event, pt, eta, phi, mass, kind, charge, btag = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((-pt, kind, event))  # jets, the lepton, the missing momentum
    order = order[passed[event[order]]]
    return Ragged(
        np.full(int(passed.sum()), label, np.int8),
        offsets_of(np.bincount(event[order], minlength=n_events)[passed]),
        {
            "pt": round_to_bits(pt[order], BITS).astype(np.float32),
            "eta": round_to_step(eta[order], BITS).astype(np.float32),
            "phi": round_to_step(phi[order], BITS).astype(np.float32),
            "mass": round_to_bits(mass[order], BITS).astype(np.float32),
            "kind": kind[order].astype(np.int8),
            "charge": charge[order].astype(np.int8),
            "btag": btag[order].astype(np.int8),
        },
    )


def isolated_leptons(seen: Particles) -> NDArray[np.bool_]:
    """Which of the particles (m,) that a detector sees are isolated electrons and muons."""
    good = np.isin(seen.kind, (ELECTRON, MUON)) & (seen.pt > LEAST_PT) & (abs(seen.eta) < MOST_ETA)
    leptons, everything = (Directions(some.event, some.eta, some.phi) for some in (seen[good], seen))
    lepton, other, distance = distances(leptons, everything)
    around = np.bincount(lepton, np.where(distance < CONE, seen.pt[other], 0), minlength=int(good.sum()))
    good[good] = around - seen.pt[good] < MOST_AROUND * seen.pt[good]  # the lepton is within its own cone
    return good
