"""Quark and gluon jets in Z + jet events at 14 TeV, generated with Pythia 8 in the same way as the EnergyFlow sample.

There is no detector simulation: jets consist of Pythia's stable particles except neutrinos. The version of Pythia
differs from that of the published sample (8.226), which changes mean multiplicities by about one per cent.
"""

from __future__ import annotations

from collections.abc import Callable

from hepexp.data.datasets.qg.clustering import hardest_jets
from hepexp.data.datasets.qg.settings import CLASSES, settings
from hepexp.data.datasets.qg.veto import QuarkGluonVeto
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.pythia import make_pythia
from hepexp.simulation.seeds import block_seed

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 1000  # jets per unit of work: 15 s
EVENTS_AT_ONCE = 50


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block.

    Pythia is initialised anew for each block, as some of its state (cross-section maxima) survives a change of seed.

    Parameters
    ----------
    kind : "gluon" or "quark".
    seed : seed of the whole sample.
    block : number of the block, from 0.
    n : number of jets.
    report : called with the number of new jets each time there are some.
    """
    veto = QuarkGluonVeto()
    pythia = make_pythia(settings(kind), block_seed(seed, CLASSES.index(kind), block, len(CLASSES)), veto)
    parts, made = [], 0
    while made < n:
        jets = hardest_jets(pythia.nextBatch(EVENTS_AT_ONCE), kind).take(slice(n - made))
        parts.append(jets)
        made += len(jets)
        report(len(jets))
    return Ragged.concatenate(parts)
