"""How the jets of JetNet are drawn."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.jetnet.info import RADIUS
from hepexp.data.datasets.jetnet.relative import RelativeParticles, relative_mass
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(jets: Ragged) -> Quantities:
    """Multiplicity, and mass and pT of the jet as published; the mass of the particles that are stored, over pT."""
    return {
        "particles": jets.counts.astype(np.float64),
        "mass [GeV]": jets["jet_mass"].astype(np.float64),
        "pT [GeV]": jets["jet_pt"].astype(np.float64),
        "mass of the particles / pT": relative_mass(jets),
    }


DRAWING = Drawing(quantities, JetView(RelativeParticles(), RADIUS))
