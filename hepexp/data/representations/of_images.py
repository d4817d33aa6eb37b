"""All representations of a data set whose elements are pixels."""

from __future__ import annotations

from hepexp.data.representations.crop import Window
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.particle_selection import HardestParticles
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.pixels import PixelParticles
from hepexp.data.representations.representation import Particles, Representation


def image_forms(window: Window, image: PixelImage | None, graph: PixelGraph | None) -> list[Representation]:
    """Representations `image` and `graph`.

    Parameters
    ----------
    window : the part of each image that is read.
    image, graph : settings of these representations; None for the defaults.
    """
    dense = (image or PixelImage()).of_shape(window.shape, window.channel_names)
    return [one.with_transforms(window) for one in (dense, (graph or PixelGraph()).of_shape(window.shape))]


def jet_image_forms(
    window: Window,
    image: PixelImage | None,
    graph: PixelGraph | None,
    features: JetFeatures | None,
    cell: float,
    n_particles: int | None,
) -> list[Representation]:
    """Representations `image`, `graph`, `particles` and `features`; the last two treat pixels as particles.

    Parameters
    ----------
    window, image, graph : as in `image_forms`.
    features : settings of the representation `features`; None for the defaults.
    cell : size of a pixel in pseudorapidity and in azimuth (radians).
    n_particles : use this many pixels of each image as particles, the brightest ones; None for all.
    """
    transforms = (window, PixelParticles(window.shape, cell), HardestParticles(n_particles))
    as_particles = [one.with_transforms(*transforms) for one in (Particles(), features or JetFeatures())]
    return [*image_forms(window, image, graph), *as_particles]
