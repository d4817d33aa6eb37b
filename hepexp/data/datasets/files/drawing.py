"""What `hepexp data show` draws of a user's files: jets, where they have four-momenta, or images."""

from hepexp.data.datasets.files.info import FilesInfo
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import column_quantities, image_quantities, jet_quantities
from hepexp.data.pictures.view import Channel, labelled
from hepexp.data.store.ragged import Ragged


def drawing_of(info: FilesInfo) -> Drawing:
    """Jets around their axis, and what is stored of each example beside them."""
    if info.keys.pixels:
        view = ImageView(info.layout.image_shape, tuple(map(Channel, info.channel_names)))
        return Drawing(image_quantities(view), view)
    if not info.keys.p4:
        return Drawing(column_quantities)
    particles = info.particles()
    of_jets = jet_quantities(particles)

    def quantities(jets: Ragged) -> dict:
        return of_jets(jets) | {labelled(name, ""): jets[name].astype(float) for name in info.layout.extras}

    return Drawing(quantities, JetView(particles))
