"""What is drawn of halos: their masses, and the galaxies of the mock's own scatter."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.halos.galaxies import Observation
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(halos: Ragged) -> Quantities:
    """Mass and concentration, number of galaxies, their stellar mass in all, and the speed of the central one."""
    seen = Observation().globals(halos)
    central = halos.offsets[:-1]
    return {
        "log10 M200c / (Msun/h)": halos["log_mass"].astype(np.float64),
        "concentration": halos["concentration"].astype(np.float64),
        "galaxies": seen["number"],
        "log10 of their stellar mass / (Msun/h)": seen["log_stars_total"],
        "speed of the central galaxy [km/s]": halos["speed"][central].astype(np.float64),
    }


DRAWING = Drawing(quantities)
