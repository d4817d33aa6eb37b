"""All forms of a data set whose elements are particles."""

from __future__ import annotations

from collections.abc import Callable

from hepexp.data.keys import require_at_least, require_at_most
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.particle_inputs import hardest, with_beams
from hepexp.data.representations.representation import After, Particles, Representation
from hepexp.data.store.ragged import Ragged


def jet_forms(
    reader: Callable[[Ragged], Ragged],
    n_particles: int | None,
    image: JetImage | None,
    graph: ParticleGraph | None,
    features: JetFeatures | None,
    beams: bool = False,
) -> list[Representation]:
    """Forms `particles`, `image`, `graph` and `features`.

    Parameters
    ----------
    reader : computes the columns p4 and scalars from the store's columns.
    n_particles : keep only this many particles per jet, the hardest ones; None for all.
    image, graph, features : settings of these forms; None for the defaults.
    beams : prepend the two beams to the particles of form `particles`.

    Raises
    ------
    ConfigError : n_particles is out of range.
    """
    require_at_least(1, n_particles=n_particles)
    require_at_most(2**31 - 1, n_particles=n_particles)  # places in an example are counted in 32 bits

    hardest_ones = Hardest(reader, n_particles)
    longest = n_particles + 2 if beams and n_particles else n_particles
    particles = After(hardest_ones, After(with_beams, Particles()) if beams else Particles(), longest)
    others = (image or JetImage(), graph or ParticleGraph(), features or JetFeatures())
    return [particles, *(After(hardest_ones, form, n_particles) for form in others)]


class Hardest:
    """A reader followed by `hardest`; a class rather than a closure, so that worker processes can receive a copy."""

    def __init__(self, reader: Callable[[Ragged], Ragged], n: int | None) -> None:
        self.reader = reader
        self.n = n

    def __call__(self, examples: Ragged) -> Ragged:
        return hardest(self.reader(examples), self.n)
