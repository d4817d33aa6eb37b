"""How the jets of JetClass are drawn: one colour per type of particle."""

from __future__ import annotations

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import jet_quantities
from hepexp.data.transforms.four_momenta import JetClassParticles

KINDS = ("charged hadron", "neutral hadron", "photon", "electron", "muon")  # in the order of the column `type`
_READER = JetClassParticles()

DRAWING = Drawing(jet_quantities(_READER), JetView(_READER, 0.8, KINDS, lambda jets: jets["type"]))
