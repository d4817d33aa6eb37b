"""What is drawn of dijet events: the distributions of their masses and of tau21."""

from __future__ import annotations

from hepexp.data.datasets.lhco.info import COLUMNS
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.pictures.view import labelled
from hepexp.data.store.ragged import Ragged


def quantities(events: Ragged) -> Quantities:
    """The columns of the data set, with their units."""
    return {labelled(name, limits.unit): events[name].astype("float64") for name, limits in COLUMNS.items()}


DRAWING = Drawing(quantities)
