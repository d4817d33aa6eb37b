"""How the jets of JetClass are drawn: one colour per type of particle."""

from __future__ import annotations

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import PARTICLE_KINDS, JetView
from hepexp.data.pictures.quantities import jet_quantities
from hepexp.data.transforms.four_momenta import JetClassParticles

_PARTICLES = JetClassParticles()

# the column `type` numbers the kinds in the same order
DRAWING = Drawing(jet_quantities(_PARTICLES), JetView(_PARTICLES, 0.8, PARTICLE_KINDS, lambda jets: jets["type"]))
