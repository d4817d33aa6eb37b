"""Veto on `qg` events with charm or bottom quarks, and on events that cannot yield a jet in the window."""

from __future__ import annotations

import pythia8mc

from hepexp.data.datasets.qg.settings import JET_MAX_RAPIDITY, JET_PT, LIGHT_QUARKS
from hepexp.simulation.early_veto import EarlyVeto, Window

WINDOW = Window(pt_min=JET_PT[0] - 30, max_rapidity=JET_MAX_RAPIDITY + 0.1, radii=(0.2, 0.4, 0.6))

_HARD_OUTGOING = (5, 6)  # positions in Pythia's event record of the two outgoing particles of the hard process


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
