"""Events as tracks and calorimeter towers, each with the particle that particle flow is to find for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import Refusal, check_columns
from hepexp.data.store.limits import AZIMUTH, ENERGY, RAPIDITY, Limits
from hepexp.data.store.ragged import ENDS, Layout, Ragged

CLASSES = ("ttbar",)
TOWER, TRACK = 1, 2  # the column `kind`, as in MLPF's files
PIDS = ("none", "charged_hadron", "neutral_hadron", "photon", "electron", "muon")
NONE, CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, ELECTRON, MUON = range(len(PIDS))
FEATURES = ("kind", "pt", "eta", "phi", "energy", "em", "had", "eta_out", "phi_out", "charge")
TARGETS = ("target_pid", "target_charge", "target_pt", "target_eta", "target_phi", "target_energy")
INTEGERS = ("kind", "charge", "target_pid", "target_charge")
_NOT_NEGATIVE = Limits(0, ENERGY.high, "GeV")
_CHARGE = Limits(-1, 1, whole=True)

LAYOUT = Layout(
    elements={name: np.int8 if name in INTEGERS else np.float32 for name in (*FEATURES, *TARGETS)},
    extras={"pileup": np.int16},
    limits={
        "kind": Limits(TOWER, TRACK, whole=True),
        **dict.fromkeys(("pt", "energy"), ENERGY),
        **dict.fromkeys(("em", "had", "target_pt", "target_energy"), _NOT_NEGATIVE),
        **dict.fromkeys(("eta", "eta_out", "target_eta"), RAPIDITY),
        **dict.fromkeys(("phi", "phi_out", "target_phi"), AZIMUTH),
        **dict.fromkeys(("charge", "target_charge"), _CHARGE),
        "target_pid": Limits(-1, len(PIDS) - 1, whole=True),
        "pileup": Limits(0, 1000, whole=True),
        "edges.energy": _NOT_NEGATIVE,
        "edges.pid": Limits(0, len(PIDS) - 1, whole=True),
        "edges.eta": RAPIDITY,
        "edges.phi": AZIMUTH,
    },
    edges={**ENDS, "energy": np.float32, "pid": np.int8, "eta": np.float32, "phi": np.float32},
)


def _refuse_contradictions(refuse: Refusal, events: Ragged) -> None:
    """Refuse particles without momentum, momentum without a particle, empty towers, and tracks that are towers too."""
    kind, pid = events["kind"], events["target_pid"]
    pt, energy, em, had = (events[name] for name in ("target_pt", "target_energy", "em", "had"))

    def target(expected: str) -> Callable[[int], str]:
        return lambda at: (
            f"has an element with target_pid = {pid[at]:g}, target_pt = {pt[at]:g} and target_energy = "
            f"{energy[at]:g}; expected {expected}"
        )

    def deposit(what: str, expected: str) -> Callable[[int], str]:
        return lambda at: f"has a {what} with em = {em[at]:g} and had = {had[at]:g}; expected {expected}"

    some, empty = (pt > 0) & (energy > 0), (em == 0) & (had == 0)
    refuse.of_elements((pid > 0) & ~some, "target_pt", target("both > 0, as there is a particle"))
    refuse.of_elements((pid == 0) & ((pt != 0) | (energy != 0)), "target_pt", target("both 0, as there is no particle"))
    refuse.of_elements((kind == TOWER) & empty, "em", deposit("tower", "one of them > 0"))
    refuse.of_elements((kind == TRACK) & ~empty, "em", deposit("track", "both 0"))


check = check_columns(CLASSES, LAYOUT, "event", "element", also=_refuse_contradictions)

INFO = DatasetInfo(
    name="particle_flow",
    about="top pairs with 0 to 20 pile-up collisions as tracks and towers: which particle left each of them?",
    noun="event",
    classes=CLASSES,
    layout=LAYOUT,
    units="kind (1 tower, 2 track), pt, energy, em, had (GeV), eta, phi, eta_out, phi_out, charge; target_...: the "
    "same of the particle, pid 0 none, 1 charged hadron, 2 neutral hadron, 3 photon, 4 electron, 5 muon; edges.energy "
    "(GeV): what a particle left in a tower (source), target: the element that stands for the particle",
    cite="made for hepexp; the columns: J. Pata et al., arXiv:2101.08578",
    licence="MIT, like hepexp",
    size="simulated at any size, or one's own files",
    published_at="your own simulation: particle_flow.parquet with these columns (published ones are pickles)",
    releases=((Part("particle_flow", (PublishedFile("particle_flow.parquet"),)),),),
    readers={".parquet": "hepexp.data.datasets.particle_flow.reader:read"},
    check=check,
    generator="hepexp.data.datasets.particle_flow.generate",
    tenths=(1, 2),
    mini=Path(__file__).with_name("particle_flow.parquet"),
)
