"""Simulated jets like those of JetNet: gluons, light quarks, tops, W and Z of about 1 TeV.

Pairs of partons or bosons are generated with Pythia 8 at 13 TeV with multiparton interactions, with a transverse
momentum of 990 to 1010 GeV in the hard process; W, Z and the W of tops decay to quarks. The detector is a simplified
version of Delphes' CMS card (`simulation/detector.py`, `simulation/cms_card.py`). Jets are anti-kT, R = 0.8, the two
leading ones of an event with 0.8 < pT < 1.6 TeV and |eta| < 2. The 150 hardest particles are kept.

The reference used MadGraph for the hard process, Pythia 8.212 with the Monash tune, and a detector of its own, simpler
than Delphes. So figures on simulated jets cannot be compared with published ones.

References
----------
R. Kansal et al., arXiv:2106.11535, section 2; E. Coleman et al., arXiv:1709.08705, section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import awkward as ak
import numpy as np

from hepexp.data.datasets.jetnet.info import CLASSES, LAYOUT, MOST_PARTICLES
from hepexp.data.physics.kinematics import invariant_mass, polar, wrapped
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.cms_card import CMS
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.large_r_jets import leading_jets
from hepexp.simulation.pythia import make_pythia, visible_particles

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 200  # jets per unit of work: about ten seconds
JET_PT = (800.0, 1600.0)  # GeV
HARD_PT = (990.0, 1010.0)  # GeV
EVENTS_AT_ONCE = 25
ANGLE_STEP = 2.0**-11  # 5e-4, a thirtieth of the finest cell, so that columns compress
BITS = 11  # significant bits of a momentum: 5e-4, far finer than the detector's resolution

_PROCESS = {
    "gluon": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
    "quark": ("HardQCD:gg2qqbar = on", "HardQCD:qqbar2qqbarNew = on", "HardQCD:qq2qq = on"),
    "top": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off", "24:onIfAny = 1 2 3 4 5"),
    "w": ("WeakDoubleBoson:ffbar2WW = on", "24:onMode = off", "24:onIfAny = 1 2 3 4 5"),
    "z": (
        "WeakDoubleBoson:ffbar2gmZgmZ = on",
        "WeakZ0:gmZmode = 2",
        "23:onMode = off",
        "23:onIfAny = 1 2 3 4 5",
    ),
}


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one class."""
    low, high = HARD_PT
    limits = (f"PhaseSpace:pTHatMin = {low}", f"PhaseSpace:pTHatMax = {high}")
    return ["Beams:eCM = 13000.", *_PROCESS[kind], *limits]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    random = np.random.default_rng(own_seed)
    pythia = make_pythia(settings(kind), own_seed)
    return first(n, (select(pythia.nextBatch(EVENTS_AT_ONCE), kind, random) for _ in count()), report)


def select(events: ak.Array, kind: str, random: np.random.Generator) -> Ragged:
    """The selected jets of one class, from events as returned by `pythia8mc.Pythia.nextBatch`."""
    seen = CMS.energy_flow(visible_particles(events, MAX_ETA), random)
    jets = leading_jets(seen, len(events), JET_PT, (0, 1), most=MOST_PARTICLES)
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
