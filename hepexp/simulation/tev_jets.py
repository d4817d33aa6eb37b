"""Pairs of gluons, light quarks, tops, W and Z of about 1 TeV, and the jets that they become.

Pairs of partons or bosons are generated with Pythia 8 at 13 TeV with multiparton interactions, with a transverse
momentum of 990 to 1010 GeV in the hard process; W, Z and the W of tops decay to quarks. The detector is a simplified
version of Delphes' CMS card (`simulation/detector.py`, `simulation/cms_card.py`). Jets are anti-kT, of R = 0.8
unless another radius is asked for, the two leading ones of an event with 0.8 < pT < 1.6 TeV and |eta| < 2.

The reference used MadGraph for the hard process, Pythia 8.212 with the Monash tune, and a detector of its own, simpler
than Delphes. So figures on simulated jets cannot be compared with published ones.

References
----------
E. Coleman et al., arXiv:1709.08705, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

from hepexp.simulation.cms_card import CMS
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.large_r_jets import RADIUS, LargeRJets, leading_jets
from hepexp.simulation.particles import Particles
from hepexp.simulation.pythia import make_pythia, visible_particles

JET_PT = (800.0, 1600.0)  # GeV
HARD_PT = (990.0, 1010.0)  # GeV
EVENTS_AT_ONCE = 25

_TO_QUARKS = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")
_PROCESS = {
    "gluon": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
    "quark": ("HardQCD:gg2qqbar = on", "HardQCD:qqbar2qqbarNew = on", "HardQCD:qq2qq = on"),
    "top": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *_TO_QUARKS),
    "w": ("WeakDoubleBoson:ffbar2WW = on", *_TO_QUARKS),
    "z": (
        "WeakDoubleBoson:ffbar2gmZgmZ = on",
        "WeakZ0:gmZmode = 2",
        "23:onMode = off",
        "23:onIfAny = 1 2 3 4 5",
    ),
}


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one kind: gluon, quark, top, w or z."""
    low, high = HARD_PT
    limits = (f"PhaseSpace:pTHatMin = {low}", f"PhaseSpace:pTHatMax = {high}")
    return ["Beams:eCM = 13000.", *_PROCESS[kind], *limits]


def jets_of(kind: str, seed: int, most: int, radius: float = RADIUS) -> Iterator[tuple[Particles, LargeRJets]]:
    """The particles that the detector sees, and the selected jets among them, of some events at a time; without end.

    Parameters
    ----------
    kind : as in `settings`.
    seed : determines all random numbers.
    most : maximum number of constituents kept per jet.
    radius : of the jets.
    """
    random, pythia = np.random.default_rng(seed), make_pythia(settings(kind), seed)
    for _ in count():
        seen = CMS.energy_flow(visible_particles(pythia.nextBatch(EVENTS_AT_ONCE), MAX_ETA), random)
        yield seen, leading_jets(seen, EVENTS_AT_ONCE, JET_PT, (0, 1), most=most, radius=radius)
