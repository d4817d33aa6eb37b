"""What is drawn of events with tops: their objects, coloured by kind, and how many there are."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.four_tops.info import KINDS
from hepexp.data.datasets.four_tops.module import EventObjects
from hepexp.data.physics.kinematics import sums
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged

_REACH = 3.0  # in rapidity and azimuth, from the direction of all objects together


def quantities(events: Ragged) -> Quantities:
    """Numbers of jets and of b-tagged jets; the sum of their pT; the lepton's pT and the missing momentum."""

    def total(values: np.ndarray) -> np.ndarray:
        return sums(values.astype(np.float64), events)

    kind, pt = events["kind"], events["pt"]
    is_jet, is_missing = kind == KINDS.index("jet"), kind == KINDS.index("missing momentum")
    return {
        "jets": total(is_jet),
        "b-tagged jets": total(events["btag"]),
        "sum of the jets' pT [GeV]": total(pt * is_jet),
        "pT of the lepton [GeV]": total(pt * ~(is_jet | is_missing)),
        "missing pT [GeV]": total(pt * is_missing),
    }


DRAWING = Drawing(quantities, JetView(EventObjects(), _REACH, KINDS, lambda events: events["kind"]))
