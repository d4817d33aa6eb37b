"""How the published quark/gluon sample was made, as settings of Pythia 8 and cuts on jets.

The process, cuts and radius are those of the EnergyFlow sample (arXiv:1810.05165, section 5; Zenodo record 3164691),
made with Pythia 8.226 and FastJet 3.3.0. Everything that is not named here is the default of Pythia.
"""

from __future__ import annotations

BEAM_ENERGY = 14_000.0  # GeV, proton-proton, centre of mass
JET_RADIUS = 0.4  # anti-kT
JET_PT = (500.0, 550.0)  # GeV
JET_MAX_RAPIDITY = 1.7

# The hard parton's pT before showers: part of the definition, as the published text does not give it. 400-450 GeV would
# add 12 % to the quark jets and 4 % to the gluon jets, events in which radiation off the initial state makes the pT.
HARD_PT = (450.0, 700.0)  # GeV

CLASSES = ("gluon", "quark")  # in the order of the labels
PROCESS = {"gluon": "WeakBosonAndParton:qqbar2gmZg", "quark": "WeakBosonAndParton:qg2gmZq"}
LIGHT_QUARKS = (1, 2, 3)  # down, up, strange: the published set without charm and bottom
NEUTRINOS = (12, 14, 16)


def settings(kind: str) -> list[str]:
    """The lines that Pythia reads for jets of one class."""
    return [
        f"Beams:eCM = {BEAM_ENERGY}",
        f"{PROCESS[kind]} = on",
        "WeakZ0:gmZmode = 2",  # the Z alone; the photon has no neutrino channel anyway
        "23:onMode = off",
        "23:onIfAny = 12 14 16",
        f"PhaseSpace:pTHatMin = {HARD_PT[0]}",
        f"PhaseSpace:pTHatMax = {HARD_PT[1]}",
    ]
