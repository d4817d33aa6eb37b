"""Quark and gluon jets in Z + jet events at 14 TeV, generated with Pythia 8 in the same way as the EnergyFlow sample.

The process, cuts and radius are those of the EnergyFlow sample (arXiv:1810.05165, section 5; Zenodo record 3164691),
made with Pythia 8.226 and FastJet 3.3.0; all other settings are Pythia's defaults. There is no detector simulation:
jets consist of Pythia's stable particles except neutrinos. The different version of Pythia changes mean multiplicities
by about one per cent.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import awkward as ak
import fastjet
import numpy as np
import pythia8mc
from numpy.typing import NDArray

from hepexp.data.datasets.qg.info import LAYOUT
from hepexp.data.physics.jet_clustering import cluster
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.early_veto import EarlyVeto, VetoWindow
from hepexp.simulation.pythia import make_pythia, visible

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 1000  # jets per unit of work: 15 s
EVENTS_AT_ONCE = 50

BEAM_ENERGY = 14_000.0  # GeV, proton-proton, centre of mass
JET_RADIUS = 0.4  # anti-kT
JET_PT = (500.0, 550.0)  # GeV
JET_MAX_RAPIDITY = 1.7

# The hard parton's pT before showering; our choice, as it is not published. Adding 400-450 GeV would increase the
# number of quark jets by 12 % and of gluon jets by 4 %, in events where initial-state radiation provides the pT.
HARD_PT = (450.0, 700.0)  # GeV

CLASSES = ("gluon", "quark")  # in the order of the labels
PROCESS = {"gluon": "WeakBosonAndParton:qqbar2gmZg", "quark": "WeakBosonAndParton:qg2gmZq"}
LIGHT_QUARKS = (1, 2, 3)  # down, up, strange, as in the published set without charm and bottom
WINDOW = VetoWindow(pt_min=JET_PT[0] - 30, max_rapidity=JET_MAX_RAPIDITY + 0.1, radii=(0.2, 0.4, 0.6))

_HARD_OUTGOING = (5, 6)  # positions in Pythia's event record of the two outgoing particles of the hard process

_DEFINITION = fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS)

# Precision to which values are rounded, far finer than any detector's resolution, so that the stored columns compress.
PT_BITS = 16  # significant bits: one part in 65,536
ANGLE_STEP = 2.0**-17  # 8e-6 in rapidity and radians


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one class."""
    return [
        f"Beams:eCM = {BEAM_ENERGY}",
        f"{PROCESS[kind]} = on",
        "WeakZ0:gmZmode = 2",  # Z only; the photon does not couple to neutrinos
        "23:onMode = off",
        "23:onIfAny = 12 14 16",
        f"PhaseSpace:pTHatMin = {HARD_PT[0]}",
        f"PhaseSpace:pTHatMax = {HARD_PT[1]}",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block; see `Generator`.

    Pythia is initialised anew for each block, as some of its state (cross-section maxima) survives a change of seed.
    """
    veto = QuarkGluonVeto()
    pythia = make_pythia(settings(kind), block_seed(seed, CLASSES.index(kind), block, len(CLASSES)), veto)
    return first(n, (hardest_jets(pythia.nextBatch(EVENTS_AT_ONCE), kind) for _ in count()), report)


class QuarkGluonVeto(EarlyVeto):
    """Hook that Pythia calls after the hard process and in the middle of the parton shower.

    Parameters
    ----------
    enabled : see `EarlyVeto`.

    References
    ----------
    Pythia 8 manual, "User Hooks": canVetoProcessLevel.
    """

    def __init__(self, enabled: bool = True) -> None:
        super().__init__(WINDOW, enabled)

    def canVetoProcessLevel(self) -> bool:
        return True

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:
        """Drop charm and bottom quarks, which are excluded by the definition of the sample."""
        flavours = {abs(process[i].id()) for i in _HARD_OUTGOING}
        return not flavours & {21, *LIGHT_QUARKS}


def hardest_jets(events: ak.Array, kind: str) -> Ragged:
    """The hardest jet of each event, if it lies in the window.

    Using one jet per event keeps the examples independent; a second jet in the window occurs in only one of 300
    selected events, and its label is not determined by the hard process.

    Parameters
    ----------
    events : as returned by `pythia8mc.Pythia.nextBatch`.
    kind : class of the jets, "gluon" or "quark".

    Returns
    -------
    Jets with the columns of LAYOUT, particles in order of decreasing pT, and phi within pi of the jet axis.
    """
    particles = visible(events.prt)
    momenta = ak.zip(
        {"px": particles.p.px, "py": particles.p.py, "pz": particles.p.pz, "E": particles.p.e}, with_name="Momentum4D"
    )
    sequence = cluster(momenta, _DEFINITION)
    jets = sequence.inclusive_jets(min_pt=JET_PT[0])
    constituents = sequence.constituent_index(min_pt=JET_PT[0])
    pt = np.hypot(jets.px, jets.py)
    leading = ak.argmax(pt, axis=1, keepdims=True)
    e, pz, pt = (ak.fill_none(ak.firsts(values[leading]), np.nan) for values in (jets.E, jets.pz, pt))
    pt, rapidity = ak.to_numpy(pt), np.arctanh(ak.to_numpy(pz) / ak.to_numpy(e))
    passed = np.flatnonzero((pt >= JET_PT[0]) & (pt <= JET_PT[1]) & (abs(rapidity) < JET_MAX_RAPIDITY))
    if len(passed) == 0:
        return LAYOUT.empty()
    inside = ak.firsts(constituents[leading])[passed]
    axis = np.arctan2(ak.firsts(jets.py[leading])[passed], ak.firsts(jets.px[leading])[passed])
    chosen = particles[passed][inside]
    chosen = chosen[ak.argsort(-(chosen.p.px**2 + chosen.p.py**2), axis=1)]
    return _columns(chosen, ak.to_numpy(axis), kind)


def _columns(particles: ak.Array, axis: NDArray[np.float64], kind: str) -> Ragged:
    counts = ak.to_numpy(ak.num(particles))
    px, py, pz, e = (ak.to_numpy(ak.flatten(particles.p[name])) for name in ("px", "py", "pz", "e"))
    axis = np.repeat(axis % (2 * np.pi), counts)
    phi = np.arctan2(py, px)
    phi -= 2 * np.pi * np.round((phi - axis) / (2 * np.pi))
    return Ragged(
        label=np.full(len(counts), CLASSES.index(kind), np.int8),
        offsets=offsets_of(counts),
        elements={
            "pt": round_to_bits(np.hypot(px, py), PT_BITS).astype(np.float32),
            "y": (np.round(np.arctanh(pz / e) / ANGLE_STEP) * ANGLE_STEP).astype(np.float32),
            "phi": (np.round(phi / ANGLE_STEP) * ANGLE_STEP).astype(np.float32),
            "pdgid": ak.to_numpy(ak.flatten(particles.id)).astype(np.int32),
        },
    )
