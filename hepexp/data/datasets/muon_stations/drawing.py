"""What is drawn of muons: the distributions of their momenta and of what is measured."""

from __future__ import annotations

from hepexp.data.datasets.muon_stations.columns import LIMITS
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.pictures.view import labelled
from hepexp.data.store.ragged import Ragged

_SHOWN = ("inverse_pt", "dphi_fit", "eta", "dphi_12", "dphi_23", "dphi_34", "dtheta_12", "bend_1", "bend_2")


def quantities(muons: Ragged) -> Quantities:
    """Some of the columns, with their units."""
    return {labelled(name, LIMITS[name].unit): muons[name].astype("float64") for name in _SHOWN}


DRAWING = Drawing(quantities)
