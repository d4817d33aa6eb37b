"""Simulated jets like those of the top-tagging reference: hadronic tops vs light quarks and gluons.

Top pairs with both W decaying to quarks, and QCD dijets, generated at 14 TeV with Pythia 8; a simplified version of
Delphes' ATLAS card (`simulation/detector.py`, `atlas_card.py`); the leading anti-kT jet of radius 0.8 of each event, if
550 < pT < 650 GeV and |eta| < 2. For top jets, a top and its three quarks must lie within 0.8 of the jet axis. Up to
200 constituents, the hardest, are kept.

Multiparton interactions are on, although the description of the reference says that they are off: its jets show them.
Without them, QCD jets in this simulation have 7.0 constituents more than 0.5 from the axis, and 0.29 with pT 0.345 to
0.5 GeV; with them, 9.2 and 0.60; published jets have 9.3 and 0.58. Without them QCD jets are 6 GeV too light.

The spectrum of the hard process is that of the matrix elements multiplied by pT to the power SPECTRUM, chosen so that
the jet pT spectrum falls over the window as in the published files (a factor of 0.6), whose cuts on the hard process
are unknown. Events without a jet near the window are vetoed early (`simulation/early_veto.py`).

Limitations: the detector is parametrised; tracks start at the collision; there is no pile-up, as in the reference; the
reference was made with Pythia 8.2. In the 10,000 shipped jets and 25,000 published ones, the mean mass of QCD jets is
94.8 +- 0.7 and 95.9 +- 0.5 GeV, that of tops 176.6 +- 0.3 and 175.9 +- 0.2 GeV; the mean numbers of constituents are
43.6 +- 0.3 and 43.7 +- 0.2 for QCD, 54.1 +- 0.2 and 54.7 +- 0.1 for tops. The median mass of tops is 1.3 +- 0.4 GeV
higher, and the central 90 % of them span 73 instead of 81 GeV; today's Pythia uses a top mass of 173 GeV. Trees trained
on 22 properties of a jet (mass, shapes, counts by pT and by angle) cannot distinguish simulated from published QCD jets
(AUC 0.50 +- 0.01), and can hardly distinguish tops (0.52 +- 0.01).

References
----------
Kasieczka et al., arXiv:1902.09914, section 2; Zenodo record 2603256.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import awkward as ak
import numpy as np

from hepexp.data.datasets.top.atlas_card import ATLAS
from hepexp.data.datasets.top.info import LAYOUT
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.early_veto import EarlyVeto, VetoWindow
from hepexp.simulation.large_r_jets import leading_jets
from hepexp.simulation.pythia import decay_products, make_pythia, visible_particles

CLASSES = ("qcd", "top")  # in the order of the labels
PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 500  # jets per unit of work: about a minute
JET_PT = (550.0, 650.0)  # GeV
MOST_CONSTITUENTS = 200
HARD_PT = {"qcd": (380.0, 1300.0), "top": (330.0, 1300.0)}  # GeV
SPECTRUM = 2.5
# 40 GeV below the jet window; of 429 jets, none came from partons more than 19 GeV below it.
WINDOW = VetoWindow(pt_min=JET_PT[0] - 40, max_rapidity=2.8, radii=(0.5, 0.8, 1.1))
EVENTS_AT_ONCE = 50
BITS = 13  # significant bits of a momentum: 1.2e-4, far finer than the detector's resolution, so that columns compress

_PROCESS = {
    "qcd": ("HardQCD:all = on",),
    "top": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off", "24:onIfAny = 1 2 3 4 5"),
}


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one class, "qcd" or "top"."""
    return [
        "Beams:eCM = 14000.",
        *_PROCESS[kind],
        f"PhaseSpace:pTHatMin = {HARD_PT[kind][0]}",
        f"PhaseSpace:pTHatMax = {HARD_PT[kind][1]}",
        "PhaseSpace:bias2Selection = on",
        f"PhaseSpace:bias2SelectionPow = {SPECTRUM}",
        "PhaseSpace:bias2SelectionRef = 600.",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    veto, random = EarlyVeto(WINDOW), np.random.default_rng(own_seed)
    pythia = make_pythia(settings(kind), own_seed, veto)
    return first(n, (select(pythia.nextBatch(EVENTS_AT_ONCE), kind, random) for _ in count()), report)


def select(events: ak.Array, kind: str, random: np.random.Generator) -> Ragged:
    """The selected jets of one class, from events as returned by `pythia8mc.Pythia.nextBatch`."""
    seen = ATLAS.energy_flow(visible_particles(events, MAX_ETA), random)
    products = None
    if kind == "top":
        products = [decay_products(events, (sign * 6, sign * 24), n_partons=3) for sign in (1, -1)]
    jets = leading_jets(seen, len(events), JET_PT, (0,), products, MOST_CONSTITUENTS)
    momentum = round_to_bits(seen[jets.constituents].momentum[:, 1:], BITS)
    energy = np.sqrt((momentum**2).sum(1))  # every tower and track is massless, even after rounding
    columns = (energy, *momentum.T)
    return Ragged(
        np.full(len(jets.event), CLASSES.index(kind), np.int8),
        jets.offsets,
        {name: column.astype(np.float32) for name, column in zip(LAYOUT.elements, columns, strict=True)},
    )
