"""How top and QCD jets are drawn: calorimeter towers of one kind."""

from __future__ import annotations

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import jet_quantities
from hepexp.data.transforms.four_momenta import FourMomentumParticles

_PARTICLES = FourMomentumParticles("E")

DRAWING = Drawing(jet_quantities(_PARTICLES), JetView(_PARTICLES, 0.8, ("calorimeter tower",)))
