"""What is drawn of events of gluons: the distributions of their columns."""

from __future__ import annotations

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import column_quantities

DRAWING = Drawing(column_quantities)
