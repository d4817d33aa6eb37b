"""Veto on events with other resonance decays than requested, before the expensive part of the simulation.

Pythia's decay settings apply to all particles of a kind: both Z of ZZ can decay to quarks, and both W of H -> WW to
leptons. The decays are part of the hard process, so a veto there is exact: the event could never pass the selection.
"""

from __future__ import annotations

import pythia8mc

from hepexp.simulation.large_jets import is_lepton, is_parton


class DecayVeto(pythia8mc.UserHooks):
    """Hook that Pythia calls after the hard process.

    Parameters
    ----------
    n_partons, n_leptons : number of quarks and gluons, and of charged leptons, required in the final state.
    """

    def __init__(self, n_partons: int, n_leptons: int) -> None:
        super().__init__()
        self.asked = (n_partons, n_leptons)

    def canVetoProcessLevel(self) -> bool:
        return True

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:
        ids = [process[i].id() for i in range(process.size()) if process[i].isFinal()]
        return (sum(map(is_parton, ids)), sum(map(is_lepton, ids))) != self.asked
