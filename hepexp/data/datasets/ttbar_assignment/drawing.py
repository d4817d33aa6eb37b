"""What is drawn of events with two tops: their jets, coloured by top, and how many there are."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.ttbar_assignment.module import TaggedJets
from hepexp.data.physics.kinematics import invariant_mass, sums
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged

_JETS = TaggedJets()
_REACH = 3.0  # in rapidity and azimuth, from the direction of all jets together


def quantities(events: Ragged) -> Quantities:
    """Numbers of jets, of b-tagged jets and of complete tops; sum of pT and mass of all jets."""
    jets = sums(_JETS(events)["p4"], events)
    complete = sum((sums((events["top"] == top).astype(np.float64), events) == 3).astype(np.float64) for top in (1, 2))
    return {
        "jets": events.counts.astype(np.float64),
        "b-tagged jets": sums(events["btag"].astype(np.float64), events),
        "complete tops": complete,
        "sum of pT [GeV]": sums(events["pt"].astype(np.float64), events),
        "mass of all jets [GeV]": invariant_mass(jets),
    }


DRAWING = Drawing(
    quantities,
    JetView(_JETS, _REACH, ("jet of no top", "jet of a top", "jet of the other"), lambda events: events["top"]),
)
