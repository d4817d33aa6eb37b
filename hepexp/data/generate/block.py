"""One block of jets: the unit of work that depends on the seed, the class and its number, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pythia8mc

from hepexp.data.generate.banner import silence_banner
from hepexp.data.generate.clustering import hardest_jets
from hepexp.data.generate.early_veto import EarlyVeto
from hepexp.data.generate.settings import CLASSES, block_seed, pythia_settings
from hepexp.data.jets import Jets
from hepexp.errors import HepexpError

EVENTS_AT_ONCE = 50


def make_pythia(kind: str, seed: int, veto: EarlyVeto) -> pythia8mc.Pythia:
    """Pythia, ready to give events. The caller keeps `veto` alive as long as Pythia, which only borrows it."""
    silence_banner()
    pythia = pythia8mc.Pythia("", False)
    for line in pythia_settings(kind, seed):
        if not pythia.readString(line):
            raise HepexpError(f"Pythia {pythia8mc.__version__} does not know the setting {line!r}")
    pythia.setUserHooksPtr(veto)
    if not pythia.init():
        raise HepexpError(f"Pythia could not be initialised for {kind} jets with seed {seed}")
    return pythia


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Jets:
    """The first n jets of a block.

    A fresh Pythia is set up for each block, as some of its state (cross-section maxima) outlives a change of seed.

    Parameters
    ----------
    kind : "gluon" or "quark".
    seed : seed of the whole sample.
    block : number of the block, from 0.
    n : number of jets.
    report : called with the number of new jets each time there are some.
    """
    veto = EarlyVeto()
    pythia = make_pythia(kind, block_seed(seed, CLASSES.index(kind), block), veto)
    parts, made = [], 0
    while made < n:
        jets = hardest_jets(pythia.nextBatch(EVENTS_AT_ONCE), kind).take(slice(n - made))
        parts.append(jets)
        made += len(jets)
        report(len(jets))
    return Jets.concatenate(parts)
