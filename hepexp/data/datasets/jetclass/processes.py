"""How Pythia produces each class of JetClass, and a veto on the other decays that the same settings allow."""

from __future__ import annotations

from dataclasses import dataclass

import pythia8mc

from hepexp.simulation.pythia import is_lepton, is_parton

# GeV, the limits on the pT of the hard process; a few per cent of the jets come from below, boosted by initial-state
# radiation.
HARD_PT = (350.0, 1400.0)

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


class DecayVeto(pythia8mc.UserHooks):
    """Veto on events with other resonance decays than requested, before the expensive part of the simulation.

    Pythia's decay settings apply to all particles of a kind: both Z of ZZ can decay to quarks, and both W of H -> WW to
    leptons. The decays are part of the hard process, so a veto there is exact: the event could never pass the
    selection.

    Parameters
    ----------
    n_partons, n_leptons : number of quarks and gluons, and of charged leptons, required in the final state.
    """

    def __init__(self, n_partons: int, n_leptons: int) -> None:
        super().__init__()
        self.required = (n_partons, n_leptons)

    def canVetoProcessLevel(self) -> bool:
        return True

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:
        ids = [process[i].id() for i in range(process.size()) if process[i].isFinal()]
        return (sum(map(is_parton, ids)), sum(map(is_lepton, ids))) != self.required
