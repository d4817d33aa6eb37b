"""Four tops against a pair of them, as the jets, the lepton and the missing momentum of an event."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.store.check import check_columns
from hepexp.data.store.limits import AZIMUTH, ENERGY, MASS, RAPIDITY, Limits
from hepexp.data.store.ragged import Layout

CLASSES = ("ttbar", "four_tops")
KINDS = ("jet", "electron", "muon", "missing momentum")
LAYOUT = Layout(
    elements={
        **dict.fromkeys(("pt", "eta", "phi", "mass"), np.float32),
        **dict.fromkeys(("kind", "charge", "btag"), np.int8),
    },
    limits={
        "pt": ENERGY,
        "eta": RAPIDITY,
        "phi": AZIMUTH,
        "mass": MASS,
        "kind": Limits(0, len(KINDS) - 1, whole=True),
        "charge": Limits(-1, 1, whole=True),
        "btag": Limits(0, 1, whole=True),
    },
)

INFO = DatasetInfo(
    name="four_tops",
    about="top pairs (0) and four tops (1) with one lepton and 5 or more jets, as the objects of an event",
    noun="event",
    classes=CLASSES,
    layout=LAYOUT,
    units="pt, mass (GeV), eta, phi, kind (0 jet, 1 electron, 2 muon, 3 missing momentum), charge, btag",
    cite="made for hepexp; the search: ATLAS, arXiv:2303.15061",
    licence="MIT, like hepexp",
    size="simulated at any size",
    check=check_columns(CLASSES, LAYOUT, "event", element="object"),
    generator="hepexp.data.datasets.four_tops.generate",
    tenths=(1, 2),
    mini=Path(__file__).with_name("four_tops.parquet"),
)
