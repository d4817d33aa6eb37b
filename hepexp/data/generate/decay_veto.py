"""Events whose resonances decay in another way than asked for are dropped before the costly part of the simulation.

Pythia sets the decays of a particle for all of its kind: in ZZ both may go to quarks, in H -> WW both to leptons. The
decays belong to the hard process, so dropping an event there is not an approximation: it never passes the selection.
"""

from __future__ import annotations

import pythia8mc

from hepexp.data.generate.large_jets import is_lepton, is_parton


class DecayVeto(pythia8mc.UserHooks):
    """Hook that Pythia asks after the hard process.

    Parameters
    ----------
    n_partons, n_leptons : quarks and gluons, and charged leptons, that the hard process must end in.
    """

    def __init__(self, n_partons: int, n_leptons: int) -> None:
        super().__init__()
        self.asked = (n_partons, n_leptons)

    def canVetoProcessLevel(self) -> bool:
        return True

    def doVetoProcessLevel(self, process: pythia8mc.Event) -> bool:
        ids = [process[i].id() for i in range(process.size()) if process[i].isFinal()]
        return (sum(map(is_parton, ids)), sum(map(is_lepton, ids))) != self.asked
