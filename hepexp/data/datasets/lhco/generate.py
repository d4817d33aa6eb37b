"""Simulated dijet events like those of the LHC Olympics' R&D data set: QCD background, and W' -> X Y -> 4 quarks.

Proton-proton collisions at 13 TeV, generated with Pythia 8, with multiparton interactions and without pile-up; the
detector is a simplified version of Delphes' CMS card (`simulation/detector.py`, `simulation/cms_card.py`). Jets are
anti-kT, R = 1; the leading one has pT > 1.2 TeV, and both leading ones have |eta| < 2.5. In the signal, a resonance of
3.5 TeV decays to X (500 GeV) and Y (100 GeV), each of which decays to two quarks.

Unlike in the published files, only events with a dijet mass of 3 to 4 TeV are kept, where all of these searches look,
and both classes are equally frequent: `dataset.n_signal` says how much signal a search gets. The widths of the three
resonances (1 %), the isotropic decays, and the cut on the mass of the hard process are our choices; so are the axes of
the N-subjettiness, exclusive kT subjets moved to a local minimum, with which the spread of tau21 is that of the
published files (with unmoved axes it is a third wider).

In the signal region, the background of the 8,000 shipped events and of the published ones has on average m_min 156 +- 2
and 136 GeV, dm 148 +- 4 and 172 GeV, tau21 0.615 and 0.509 (+- 0.005) and 0.579 and 0.480; the signal m_min 138 +- 1
and 126 GeV, dm 315 +- 2 and 360 GeV, tau21 0.458 and 0.285 (+- 0.003) and 0.391 and 0.230. So figures on simulated
events cannot be compared with published ones.

References
----------
G. Kasieczka et al., The LHC Olympics 2020, arXiv:2101.08320, section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.lhco.dijet import invariant_mass, lighter_first
from hepexp.data.datasets.lhco.info import CLASSES, LAYOUT
from hepexp.data.physics.jet_clustering import cluster, jagged
from hepexp.data.physics.substructure import subjettiness
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.cms_card import CMS
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.early_veto import EarlyVeto, VetoWindow
from hepexp.simulation.pythia import make_pythia, visible_particles

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 500  # events per unit of work: about a minute
RADIUS = 1.0
JET_PT = 1200.0  # GeV, of the leading jet
JET_MAX_ETA = 2.5
DIJET_MASS = (3000.0, 4000.0)  # GeV
EVENTS_AT_ONCE = 50
BITS = 12  # significant bits: 2.4e-4, far finer than the detector's resolution, so that columns compress
WINDOW = VetoWindow(pt_min=JET_PT - 60, max_rapidity=JET_MAX_ETA + 0.3, radii=(0.7, 1.0, 1.3))

_DEFINITION = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
_PROCESS = {
    # the mass of the hard process: initial-state radiation adds to that of the two jets
    "background": ("HardQCD:all = on", "PhaseSpace:pTHatMin = 1000.", "PhaseSpace:mHatMin = 2600."),
    "signal": (
        "NewGaugeBoson:ffbar2Wprime = on",
        "34:m0 = 3500.",
        "34:mWidth = 35.",
        "34:doForceWidth = on",
        "9000001:all = X+ X- 1 3 0 500. 5. 400. 600. 0.",
        "9000001:isResonance = on",
        "9000001:oneChannel = 1 1. 100 2 -1",
        "9000002:new = Y0 void 1 0 0 100. 1. 80. 120. 0.",
        "9000002:isResonance = on",
        "9000002:oneChannel = 1 1. 100 1 -1",
        "34:oneChannel = 1 1. 100 9000001 9000002",
    ),
}


def settings(kind: str) -> list[str]:
    """Pythia's settings for events of one class, "background" or "signal"."""
    return ["Beams:eCM = 13000.", *_PROCESS[kind]]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n events of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    random = np.random.default_rng(own_seed)
    veto = EarlyVeto(WINDOW) if kind == "background" else None  # resonances have not decayed yet when it looks
    pythia = make_pythia(settings(kind), own_seed, veto)
    return first(n, (select(pythia.nextBatch(EVENTS_AT_ONCE), kind, random) for _ in count()), report)


def select(events: ak.Array, kind: str, random: np.random.Generator) -> Ragged:
    """The selected events of one class, from events as returned by `pythia8mc.Pythia.nextBatch`."""
    seen = CMS.energy_flow(visible_particles(events, MAX_ETA), random)
    columns = dijets(jagged(seen.momentum, np.bincount(seen.event, minlength=len(events))))
    chosen = (columns["mjj"] >= DIJET_MASS[0]) & (columns["mjj"] <= DIJET_MASS[1])
    n = int(chosen.sum())
    return Ragged(
        np.full(n, CLASSES.index(kind), np.int8),
        np.zeros(n + 1, np.int64),
        {},
        {name: round_to_bits(columns[name][chosen], BITS).astype(to) for name, to in LAYOUT.extras.items()},
    )


def dijets(momenta: ak.Array) -> dict[str, NDArray[np.float64]]:
    """The columns of the data set (n,) for each event that passes the cuts on pT and pseudorapidity.

    Parameters
    ----------
    momenta : of the particles of each event (events, var), with fields E, px, py, pz in GeV.
    """
    sequence = cluster(momenta, _DEFINITION)
    jets, inside = sequence.inclusive_jets(100.0), sequence.constituent_index(100.0)
    order = ak.argsort(-(jets.px**2 + jets.py**2), axis=1)
    jets, inside = jets[order], inside[order]
    enough = np.flatnonzero(ak.to_numpy(ak.num(jets)) >= 2)
    jets, inside, momenta = jets[enough][:, :2], inside[enough][:, :2], momenta[enough]
    p = np.stack([ak.to_numpy(jets[k]) for k in ("E", "px", "py", "pz")], -1).reshape(-1, 2, 4)  # (events, 2, 4)
    pt = np.hypot(p[..., 1], p[..., 2])
    passed = (pt[:, 0] > JET_PT) & (abs(np.arcsinh(p[..., 3] / pt)) < JET_MAX_ETA).all(1)
    p = p[passed]
    mass, mjj = invariant_mass(p), invariant_mass(p.sum(1))
    tau21 = np.stack([_tau21(momenta[passed][inside[passed][:, rank]]) for rank in (0, 1)], 1)
    return lighter_first(mjj, mass, tau21)


def _tau21(constituents: ak.Array) -> NDArray[np.float64]:
    if len(constituents) == 0:
        return np.zeros(0)
    tau1, tau2 = subjettiness(constituents, 2, RADIUS, minimise=True).T
    return np.divide(tau2, tau1, out=np.zeros_like(tau1), where=tau1 > 0)
