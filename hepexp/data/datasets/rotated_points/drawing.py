"""How points on two rings are drawn: in the plane."""

from __future__ import annotations

import numpy as np

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.point_view import PointView
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(points: Ragged) -> Quantities:
    """Radius, angle and coordinates of each point."""
    x, y = points["x"].astype(np.float64), points["y"].astype(np.float64)
    return {"radius": np.hypot(x, y), "angle [rad]": np.arctan2(y, x), "x": x, "y": y}


DRAWING = Drawing(quantities, PointView(2.4))
