"""What is drawn of graphs with three features: the distributions of their means over the nodes."""

from __future__ import annotations

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import column_quantities

DRAWING = Drawing(column_quantities)
