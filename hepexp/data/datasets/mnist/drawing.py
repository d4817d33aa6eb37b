"""How handwritten digits are drawn: as grey values, without axes."""

from __future__ import annotations

from hepexp.data.datasets.mnist.info import LAYOUT
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.quantities import image_quantities
from hepexp.data.pictures.view import Channel

_VIEW = ImageView(LAYOUT.image_shape, (Channel("grey value", scale="linear"),))

DRAWING = Drawing(image_quantities(_VIEW, maxima=False), _VIEW)
