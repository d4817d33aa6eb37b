"""What is drawn of jets by their substructure: the distribution of each observable."""

from __future__ import annotations

from hepexp.data.datasets.hls4ml_jets.info import FEATURES, LAYOUT
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.pictures.view import labelled
from hepexp.data.store.ragged import Ragged


def quantities(jets: Ragged) -> Quantities:
    """The columns of the data set, with their units."""
    units = {name: limits.unit for name, limits in LAYOUT.limits.items()}
    return {labelled(name, units.get(name, "")): jets[name].astype("float64") for name in FEATURES}


DRAWING = Drawing(quantities)
