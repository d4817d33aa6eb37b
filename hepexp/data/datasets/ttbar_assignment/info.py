"""Top pairs that decay to quarks, as jets of which some stem from a decay product of a top."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import Refusal
from hepexp.data.store.limits import AZIMUTH, ENERGY, MASS, RAPIDITY, Limits
from hepexp.data.store.ragged import Layout, Ragged

CLASSES = ("ttbar",)
TOPS = ("none", "first", "second")
ROLES = ("none", "quark", "bottom")
OF_A_TOP = {"quark": 2, "bottom": 1}  # jets of a top that is complete
LAYOUT = Layout(
    elements={
        **dict.fromkeys(("pt", "eta", "phi", "mass"), np.float32),
        **dict.fromkeys(("btag", "top", "role"), np.int8),
    },
    limits={
        "pt": ENERGY,
        "eta": RAPIDITY,
        "phi": AZIMUTH,
        "mass": MASS,
        "btag": Limits(0, 1, whole=True),
        "top": Limits(0, 2, whole=True),
        "role": Limits(0, 2, whole=True),
    },
)


def check(events: Ragged, origin: str, first_row: int = 0) -> Ragged:
    """Check the limits of the columns, and that no top has too many jets; return the events unchanged."""
    refuse = Refusal(events, origin, first_row, noun="event")
    refuse.of_rows(events.counts == 0, "no jets", "has no jets; expected at least one")
    refuse.of_common(CLASSES, LAYOUT, element="jet")
    event = np.repeat(np.arange(len(events)), events.counts)
    top, role = events["top"], events["role"]
    refuse.of_elements(
        (top > 0) != (role > 0),
        "top and role",
        lambda i: f"has a jet with top = {top[i]:g} and role = {role[i]:g}; expected both or neither to be 0",
    )
    for number, name in enumerate(TOPS[1:], 1):
        for what, most in OF_A_TOP.items():
            found = np.bincount(event[(top == number) & (role == ROLES.index(what))], minlength=len(events))
            refuse.of_rows(
                found > most,
                "too many jets of a top",
                partial(_too_many, found, f"the {what} of the {name} top; expected at most {most}"),
            )
    refuse.finish()
    return events


def _too_many(found: NDArray[np.int64], of_what: str, row: int) -> str:
    return f"has {found[row]} jets that are {of_what}"


def _part(name: str, url: str | None, split: str | None = None) -> Part:
    urls = () if url is None else (f"http://mlphysics.ics.uci.edu/data/2021_ttbar/{url}",)
    return Part(name, (PublishedFile(f"{name}.h5", urls=urls),), split)


INFO = DatasetInfo(
    name="ttbar_assignment",
    about="top pairs decaying to six quarks, as 6 or more jets: which three are those of each top?",
    noun="event",
    classes=CLASSES,
    layout=LAYOUT,
    units="pt, mass (GeV), eta, phi, btag, top (0 none, 1, 2) and role (0 none, 1 quark of the W, 2 b) of each jet",
    cite="A. Shmakov et al., arXiv:2106.03898",
    licence="BSD-3 (the example that comes with SPANet)",
    size="two files, or the example of SPANet with 10,000 events",
    published_at="mlphysics.ics.uci.edu/data/2021_ttbar, without checksums",
    releases=(
        (_part("ttbar_training", "ttbar_training.h5", "train"), _part("ttbar_testing", "ttbar_testing.h5", "test")),
        (_part("example", None),),
        (_part("ttbar_1000", None),),
    ),
    other_folders=("spanet", "SPANet/data/full_hadronic_ttbar"),
    readers={".h5": "hepexp.data.datasets.ttbar_assignment.reader:read"},
    check=check,
    generator="hepexp.data.datasets.ttbar_assignment.generate",
    mini=Path(__file__).with_name("ttbar.parquet"),
)
