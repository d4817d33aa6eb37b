"""How Pythia produces each class of JetClass, and a veto on events that cannot contain a jet of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pythia8mc
from pythia8mc import REtaPhi

from hepexp.simulation.early_veto import EarlyVeto, VetoWindow
from hepexp.simulation.pythia import NEUTRINOS, is_lepton, is_parton

# GeV, the limits on the pT of the hard process; a few per cent of the jets come from below, boosted by initial-state
# radiation.
HARD_PT = (350.0, 1400.0)
# Distance in (eta, phi) between decay products in the hard process; initial-state radiation brings them together later.
# Those of a jet lie within 0.8 of its axis, at the latest then.
MAX_SPREAD = 2.0
QCD_WINDOW = VetoWindow(pt_min=430.0, max_rapidity=2.6, radii=(0.5, 0.8, 1.1))
RESONANCE_WINDOW = VetoWindow(pt_min=430.0, max_rapidity=2.6, radii=(0.5, 0.8, 1.1), invisible=())

_TO_QUARKS = "1 2 3 4 5"
_PAIRS = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off")
_TOPS = ((6, 24), (-6, -24))


@dataclass(frozen=True)
class Recipe:
    """How a class is produced, and which decay products a jet must contain: those of one of these resonance chains."""

    process: tuple[str, ...]
    chains: tuple[tuple[int, ...], ...] = ()
    n_partons: int = 0
    n_leptons: int = 0


def _higgs(*decay: str) -> tuple[str, ...]:
    return ("HiggsSM:ffbar2HZ = on", "23:onMode = off", "23:onIfAny = 12 14 16", "25:onMode = off", *decay)


_TO_WW = ("25:onIfMatch = 24 -24", "24:onMode = off")
RECIPES = {
    "QCD": Recipe(
        (
            "WeakBosonAndParton:qqbar2gmZg = on",
            "WeakBosonAndParton:qg2gmZq = on",
            "WeakZ0:gmZmode = 2",
            "23:onMode = off",
            "23:onIfAny = 12 14 16",
        )
    ),
    "Hbb": Recipe(_higgs("25:onIfMatch = 5 -5"), ((25,),), 2),
    "Hcc": Recipe(_higgs("25:onIfMatch = 4 -4"), ((25,),), 2),
    "Hgg": Recipe(_higgs("25:onIfMatch = 21 21"), ((25,),), 2),
    "H4q": Recipe(_higgs(*_TO_WW, f"24:onIfAny = {_TO_QUARKS}"), ((24, -24),), 4),
    "Hlvqq": Recipe(_higgs(*_TO_WW, f"24:onIfAny = {_TO_QUARKS} 11 13"), ((24, -24),), 2, 1),
    "Zqq": Recipe(
        (
            "WeakDoubleBoson:ffbar2gmZgmZ = on",
            "WeakZ0:gmZmode = 2",
            "23:onMode = off",
            f"23:onIfAny = {_TO_QUARKS} 12 14 16",
        ),
        ((23,),),
        2,
    ),
    "Wqq": Recipe(
        (
            "WeakDoubleBoson:ffbar2ZW = on",
            "23:onMode = off",
            "23:onIfAny = 12 14 16",
            "24:onMode = off",
            f"24:onIfAny = {_TO_QUARKS}",
        ),
        ((24,), (-24,)),
        2,
    ),
    "Tbqq": Recipe((*_PAIRS, f"24:onIfAny = {_TO_QUARKS}"), _TOPS, 3),
    "Tblv": Recipe((*_PAIRS, "24:onIfAny = 11 13"), _TOPS, 1, 1),
}
CLASSES = tuple(RECIPES)  # in the order of the labels


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one class."""
    return [
        "Beams:eCM = 13000.",
        *RECIPES[kind].process,
        f"PhaseSpace:pTHatMin = {HARD_PT[0]}",
        f"PhaseSpace:pTHatMax = {HARD_PT[1]}",
    ]


class DecayVeto(EarlyVeto):
    """Veto on events without a jet of the class, before the expensive part of the simulation.

    After the hard process, which includes the decays: Pythia's decay settings apply to all particles of a kind, so both
    Z of ZZ can decay to quarks, and both W of H -> WW to leptons; such an event could never pass the selection. Nor,
    but for the boost by initial-state radiation, could one whose decay products lie too far apart for one jet. In the
    middle of the parton shower: see `EarlyVeto`, where the share of pT that neutrinos carry off is taken into account.

    `tests/simulation/test_early_veto.py` counts the jets lost.

    Parameters
    ----------
    recipe : of the class.
    enabled : see `EarlyVeto`.
    """

    def __init__(self, recipe: Recipe, enabled: bool = True) -> None:
        super().__init__(RESONANCE_WINDOW if recipe.chains else QCD_WINDOW, enabled)
        self.recipe = recipe
        self.too_wide = False

    def canVetoProcessLevel(self) -> bool:
        return True

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:
        if not self.recipe.chains:
            return False
        narrow = [decay for chain in self.recipe.chains if (decay := self._decay(process, chain)).spread < MAX_SPREAD]
        self.visible_share = max((decay.visible_share for decay in narrow), default=0.0)
        self.too_wide = not narrow
        return self.enabled and self.too_wide

    def _is_hopeless(self, event: pythia8mc.Event) -> bool:
        return self.too_wide or super()._is_hopeless(event)

    def _decay(self, process: pythia8mc.Event, chain: tuple[int, ...]) -> _Decay:
        products: list[pythia8mc.Particle] = []
        neutrinos: list[pythia8mc.Particle] = []
        for particle in (process[i] for i in range(process.size())):
            if particle.isFinal() and process[particle.mother1()].id() in chain:
                (neutrinos if abs(particle.id()) in NEUTRINOS else products).append(particle)
        content = sum(is_parton(p.id()) for p in products), sum(is_lepton(p.id()) for p in products)
        if content != (self.recipe.n_partons, self.recipe.n_leptons):
            return _Decay(np.inf, 0.0)
        spread = max(REtaPhi(a.p(), b.p()) for a, b in combinations(products, 2))
        if not self.recipe.n_leptons:  # neutrinos, if any, come from the other Z of ZZ
            return _Decay(spread, 1.0)
        return _Decay(spread, _pt(products) / _pt(products + neutrinos))


@dataclass(frozen=True)
class _Decay:
    """The largest distance between two visible products in (eta, phi), and their share of the pT of all products."""

    spread: float
    visible_share: float


def _pt(particles: Sequence[pythia8mc.Particle]) -> float:
    return float(np.hypot(sum(p.px() for p in particles), sum(p.py() for p in particles)))
