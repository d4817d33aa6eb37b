"""What `hepexp data show` draws of a data set: what its own module `drawing` says, or what its columns suggest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.find import module_beside
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import Quantities, column_quantities, image_quantities, jet_quantities
from hepexp.data.pictures.view import Channel, View
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.data.transforms.four_momenta import FourMomentumParticles


@dataclass(frozen=True)
class Drawing:
    """How the examples of a data set are drawn, given by DRAWING in the module `drawing` beside its class.

    Parameters
    ----------
    quantities : computes the quantities that characterise each example.
    view : draws examples; None if only the distributions of the quantities are drawn.
    """

    quantities: Callable[[Ragged], Quantities]
    view: View | None = None


def find_drawing(name: str, info: DatasetInfo, config_dirs: Sequence[Path] = ()) -> Drawing:
    """The drawing of a data set: DRAWING of its module `drawing`, what `drawing_of` there makes of its description, or
    without such a module the one that its columns suggest.
    """
    beside = module_beside(name, "drawing", config_dirs)
    if (drawing_of := getattr(beside, "drawing_of", None)) is not None:
        return drawing_of(info)
    found = getattr(beside, "DRAWING", None)
    return found if isinstance(found, Drawing) else default_drawing(info.layout)


def default_drawing(layout: Layout) -> Drawing:
    """Images as maps, jets of four-momenta as particles around their axis, and of anything else only its columns."""
    if layout.shape is not None:
        names = ["value"] if layout.shape[0] == 1 else [f"channel {i}" for i in range(layout.shape[0])]
        view = ImageView(layout.shape, tuple(Channel(name, scale="linear") for name in names))
        return Drawing(image_quantities(view, True, **dict.fromkeys(layout.extras, "")), view)
    for energy in ("E", "energy"):
        if {energy, "px", "py", "pz"} <= set(layout.elements):
            particles = FourMomentumParticles(energy)
            return Drawing(jet_quantities(particles), JetView(particles))
    return Drawing(column_quantities)
