"""How four-vectors are drawn: energy against momentum along z."""

from __future__ import annotations

import numpy as np

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.point_view import PointView
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(vectors: Ragged) -> Quantities:
    """Signed mass, components, and absolute momentum of each vector."""
    p4 = {name: vectors[name].astype(np.float64) for name in ("E", "px", "py", "pz")}
    momentum = np.sqrt(p4["px"] ** 2 + p4["py"] ** 2 + p4["pz"] ** 2)
    square = p4["E"] ** 2 - momentum**2
    return {
        "sign(p^2) sqrt |p^2| [GeV]": np.sign(square) * np.sqrt(np.abs(square)),
        "|p| [GeV]": momentum,
        **{f"{name} [GeV]": values for name, values in p4.items()},
    }


DRAWING = Drawing(quantities, PointView(4.0, ("pz", "E"), ("$p_z$ [GeV]", "$E$ [GeV]")))
