"""How electrons and photons are drawn: energy and time in crystals around the hottest one."""

from __future__ import annotations

from hepexp.data.datasets.electron_photon.info import LAYOUT
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.quantities import image_quantities
from hepexp.data.pictures.view import Channel

_HOTTEST = 16  # row and column of the crystal with the most energy

_VIEW = ImageView(
    LAYOUT.image_shape,
    (Channel("energy", "≈ 50 GeV"), Channel("time", "≈ 50 ns", "signed")),
    (r"$\Delta i_\eta$ [crystals]", r"$\Delta i_\phi$ [crystals]"),
    centre=_HOTTEST,
)

DRAWING = Drawing(image_quantities(_VIEW), _VIEW)
