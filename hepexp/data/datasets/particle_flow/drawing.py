"""What is drawn of events of tracks and towers: where they are, and how many there are."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.particle_flow.info import TRACK
from hepexp.data.datasets.particle_flow.module import Elements
from hepexp.data.physics.kinematics import sums
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged

_REACH = 3.2  # in rapidity and azimuth, from the direction of all elements together


def quantities(events: Ragged) -> Quantities:
    """Tracks, towers of both calorimeters, their sums of pT, particles, and collisions of pile-up."""
    is_track = events["kind"] == TRACK

    def number(chosen: np.ndarray) -> np.ndarray:
        return sums(chosen.astype(np.float64), events)

    return {
        "tracks": number(is_track),
        "ECAL towers": number(events["em"] > 0),
        "HCAL towers": number(events["had"] > 0),
        "particles": number(events["target_pid"] > 0),
        "pile-up collisions": events["pileup"].astype(np.float64),
        "sum of pT of tracks [GeV]": sums(np.where(is_track, events["pt"], 0).astype(np.float64), events),
        "sum of ET of towers [GeV]": sums(np.where(is_track, 0, events["pt"]).astype(np.float64), events),
    }


def _kind(events: Ragged) -> np.ndarray:
    return np.select([events["em"] > 0, events["had"] > 0], [1, 2], 0)


DRAWING = Drawing(quantities, JetView(Elements(), _REACH, ("track", "ECAL tower", "HCAL tower"), _kind))
