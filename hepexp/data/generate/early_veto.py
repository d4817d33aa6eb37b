"""Events that cannot give a jet in the window are dropped before the costly part of the simulation.

Four fifths of the time of an event go into multiparton interactions below a few GeV, which hardly move the hard jet.
When Pythia's evolution, which runs downwards in pT, reaches 5 GeV, the partons made so far are clustered; an event
whose leading jet is far below the window, or beside it, for all of three radii is given up. The radii around the
nominal one catch events whose hardest splitting lies at the edge of the jet. Nothing is given up above the window: a
jet may lose over 100 GeV to the neutrinos of heavy flavours and to soft radiation (6 of 938 gluon jets came from
partons 30 to 105 GeV above it).

`tests/data/test_early_veto.py` counts what is lost.
"""

from __future__ import annotations

import fastjet
import pythia8mc

from hepexp.data.generate.qg_settings import JET_MAX_RAPIDITY, JET_PT, LIGHT_QUARKS, NEUTRINOS

SCALE = 5.0  # GeV
RADII = (0.2, 0.4, 0.6)
PT_MARGIN = 30.0  # GeV below the window
RAPIDITY_MARGIN = 0.1

_INVISIBLE = frozenset((*NEUTRINOS, 23))
_HARD_OUTGOING = (5, 6)  # where Pythia keeps the two outgoing particles of the hard process
_DEFINITIONS = tuple(fastjet.JetDefinition(fastjet.antikt_algorithm, radius) for radius in RADII)


class EarlyVeto(pythia8mc.UserHooks):
    """Hook that Pythia asks after the hard process and in the middle of the parton shower.

    Parameters
    ----------
    enabled : give hopeless events up. When False they are only remembered in `hopeless`, to measure what the veto does.

    References
    ----------
    Pythia 8 manual, "User Hooks": canVetoProcessLevel, canVetoPT.
    """

    def __init__(self, enabled: bool = True) -> None:
        super().__init__()
        self.enabled = enabled
        self.hopeless = False

    def canVetoProcessLevel(self) -> bool:
        return True

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:
        """Drop charm and bottom quarks: not an approximation, but part of the definition of the sample."""
        flavours = {abs(process[i].id()) for i in _HARD_OUTGOING}
        return not flavours & {21, *LIGHT_QUARKS}

    def canVetoPT(self) -> bool:
        return True

    def scaleVetoPT(self) -> float:
        return SCALE

    def doVetoPT(self, position: int, event: pythia8mc.Event) -> bool:
        if position > 3:  # a later call, from the shower of the Z's decay products
            return False
        self.hopeless = is_hopeless(event)
        return self.enabled and self.hopeless


def is_hopeless(event: pythia8mc.Event) -> bool:
    """Whether the leading parton jet is below or beside the window for every radius."""
    partons = []
    for i in range(5, event.size()):
        particle = event[i]
        if particle.status() > 0 and abs(particle.id()) not in _INVISIBLE:
            partons.append(fastjet.PseudoJet(particle.px(), particle.py(), particle.pz(), particle.e()))
    pt, rapidity = [], []
    for definition in _DEFINITIONS:
        jets = fastjet.ClusterSequence(partons, definition).inclusive_jets(100.0)
        if jets:
            leading = max(jets, key=lambda jet: jet.pt())
            pt.append(leading.pt())
            rapidity.append(abs(leading.rap()))
    return not pt or max(pt) < JET_PT[0] - PT_MARGIN or min(rapidity) > JET_MAX_RAPIDITY + RAPIDITY_MARGIN
