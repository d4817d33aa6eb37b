"""How images of quark and gluon jets are drawn: one map per subdetector."""

from __future__ import annotations

from hepexp.data.datasets.qg_images.info import CELL, CHANNELS, LAYOUT
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.quantities import image_quantities
from hepexp.data.pictures.view import Channel

_VIEW = ImageView(
    LAYOUT.image_shape,
    tuple(Channel(name, "as published") for name in CHANNELS),
    (r"$\Delta\eta$", r"$\Delta\phi$ [rad]"),
    CELL,
)

DRAWING = Drawing(image_quantities(_VIEW, pt="GeV", m0="GeV"), _VIEW)
