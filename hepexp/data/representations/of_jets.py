"""All representations of a data set whose elements are particles."""

from __future__ import annotations

from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.particle_selection import HardestParticles, WithBeams
from hepexp.data.representations.representation import Particles, Representation
from hepexp.data.representations.transform import Transform


def jet_forms(
    momenta: Transform,
    n_particles: int | None,
    image: JetImage | None,
    graph: ParticleGraph | None,
    features: JetFeatures | None,
    beams: bool = False,
) -> list[Representation]:
    """Representations `particles`, `image`, `graph` and `features`.

    Parameters
    ----------
    momenta : computes the columns p4 and scalars from the store's columns.
    n_particles : keep only this many particles per jet, the hardest ones; None for all.
    image, graph, features : settings of these representations; None for the defaults.
    beams : prepend the two beams to the particles of representation `particles`.
    """
    transforms = (momenta, HardestParticles(n_particles))
    particles = Particles().with_transforms(*transforms, *([WithBeams()] if beams else []))
    others = (image or JetImage(), graph or ParticleGraph(), features or JetFeatures())
    return [particles, *(one.with_transforms(*transforms) for one in others)]
