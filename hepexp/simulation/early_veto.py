"""Veto on events that cannot yield a jet in the selected window, before the expensive part of the simulation.

Four fifths of the time per event is spent on multiparton interactions below a few GeV, which hardly affect the hard
jet. When Pythia's evolution, which proceeds from high to low pT, reaches 5 GeV, the partons produced so far are
clustered; the event is vetoed if its leading jet is far below the window in pT, or outside it in rapidity, for all of
three radii. Radii around the nominal one keep events whose hardest splitting lies at the edge of the jet. No event is
vetoed above the window: a jet can lose over 100 GeV to neutrinos from heavy flavours and to soft radiation (6 of 938
gluon jets of `qg` came from partons 30 to 105 GeV above it).

`tests/simulation/test_early_veto.py` counts the events lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import fastjet
import pythia8mc

from hepexp.data.physics.jet_clustering import cluster
from hepexp.simulation.pythia import NEUTRINOS

SCALE = 5.0  # GeV

Z_BOSON = 23


@dataclass(frozen=True)
class VetoWindow:
    """Where the leading parton jet must lie for at least one of these radii, margins included.

    Parameters
    ----------
    pt_min : minimum pT, GeV.
    max_rapidity : maximum absolute rapidity.
    radii : of the anti-kT algorithm.
    invisible : absolute PDG numbers of what leaves nothing in the detector, besides neutrinos. Resonances have not
        decayed yet when the jets are looked at; by default Z bosons, which decay to neutrinos in events with a single
        jet, do not count.
    """

    pt_min: float
    max_rapidity: float
    radii: tuple[float, ...]
    invisible: tuple[int, ...] = (Z_BOSON,)


class EarlyVeto(pythia8mc.UserHooks):
    """Hook that Pythia calls in the middle of the parton shower.

    Parameters
    ----------
    window : requirement on the leading parton jet.
    enabled : veto hopeless events. If False, they are only flagged in `hopeless`, to measure the effect of the veto.

    Attributes
    ----------
    visible_share : the share of the leading jet's pT that the detector will see; 1 unless a subclass knows from the
        decays in the hard process that neutrinos carry off the rest.

    References
    ----------
    Pythia 8 manual, "User Hooks": canVetoPT.
    """

    def __init__(self, window: VetoWindow, enabled: bool = True) -> None:
        super().__init__()
        self.window = window
        self.definitions = [fastjet.JetDefinition(fastjet.antikt_algorithm, radius) for radius in window.radii]
        self.enabled = enabled
        self.invisible = frozenset((*NEUTRINOS, *window.invisible))
        self.visible_share = 1.0
        self.hopeless = False

    def canVetoPT(self) -> bool:
        return True

    def scaleVetoPT(self) -> float:
        return SCALE

    def doVetoPT(self, position: int, event: pythia8mc.Event) -> bool:
        if position > 3:  # a later call, from the shower of a resonance's decay products
            return False
        self.hopeless = self._is_hopeless(event)
        return self.enabled and self.hopeless

    def _is_hopeless(self, event: pythia8mc.Event) -> bool:
        """Whether the leading parton jet is below or outside the window for every radius."""
        partons = []
        for i in range(5, event.size()):
            particle = event[i]
            if particle.status() > 0 and abs(particle.id()) not in self.invisible:
                partons.append(fastjet.PseudoJet(particle.px(), particle.py(), particle.pz(), particle.e()))
        pt, rapidity = [], []
        for definition in self.definitions:
            jets = cluster(partons, definition).inclusive_jets(100.0)
            if jets:
                leading = max(jets, key=lambda jet: jet.pt())
                pt.append(leading.pt())
                rapidity.append(abs(leading.rap()))
        hardest = max(pt, default=0.0) * self.visible_share
        return hardest < self.window.pt_min or min(rapidity) > self.window.max_rapidity
