"""All forms of a data set whose elements are pixels."""

from __future__ import annotations

from hepexp.data.keys import require_at_least, require_at_most
from hepexp.data.representations.crop import Window
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.of_jets import Hardest
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.pixels import PixelParticles
from hepexp.data.representations.representation import After, Particles, Representation
from hepexp.data.store.ragged import Ragged


def image_forms(window: Window, image: PixelImage | None, graph: PixelGraph | None) -> list[Representation]:
    """Forms `image` and `graph`.

    Parameters
    ----------
    window : the part of each image that is read.
    image, graph : settings of these forms; None for the defaults.
    """
    dense = (image or PixelImage()).of_shape(window.shape, window.channel_names)
    return [After(window, form) for form in (dense, (graph or PixelGraph()).of_shape(window.shape))]


def jet_image_forms(
    window: Window,
    image: PixelImage | None,
    graph: PixelGraph | None,
    features: JetFeatures | None,
    cell: float,
    n_particles: int | None,
) -> list[Representation]:
    """Forms `image`, `graph`, `particles` and `features`; the last two treat pixels as particles, see PixelParticles.

    Parameters
    ----------
    window, image, graph : as in `image_forms`.
    features : settings of the form `features`, computed from the pixels as particles; None for the defaults.
    cell : size of a pixel in pseudorapidity and in azimuth (radians).
    n_particles : use this many pixels of each image as particles, the brightest ones; None for all.

    Raises
    ------
    ConfigError : n_particles is out of range.
    """
    require_at_least(1, n_particles=n_particles)
    require_at_most(2**31 - 1, n_particles=n_particles)  # places in an example are counted in 32 bits
    reader = Hardest(_Then(window, PixelParticles(window.shape, cell)), n_particles)
    as_particles = [After(reader, form, n_particles) for form in (Particles(), features or JetFeatures())]
    return [*image_forms(window, image, graph), *as_particles]


class _Then:
    """One reader applied after another; a class rather than a closure, so that worker processes can receive a copy."""

    def __init__(self, first: Window, second: PixelParticles) -> None:
        self.first = first
        self.second = second

    def __call__(self, examples: Ragged) -> Ragged:
        return self.second(self.first(examples))
