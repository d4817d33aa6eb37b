"""What data sets of jets have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.representation import Particles, Representation
from hepexp.data.transforms.frame import FRAMES, StandardFrame
from hepexp.data.transforms.particle_selection import HardestParticles, WithBeams
from hepexp.data.transforms.resolution import Resolution
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError


class JetDataModule(HepDataModule):
    """Base class of the data sets whose examples are lists of particles; each implements `particle_inputs`.

    Parameters
    ----------
    element_targets : stored columns to predict for each particle, for losses that do.
    pair_targets : stored columns with the number of a group of particles, such as their vertex: whether two particles
        have it in common is to be predicted, for losses that do.
    n_particles : keep only this many particles per jet, the hardest ones; null for all.
    smear : relative resolution with which the momentum of each particle is measured, in training and in test, as by a
        detector; the same each time. `augment.smear` is for training examples alone.
    frame : frame of each jet that models get. lab: as it is; rotated: its momentum and its principal axis across that
        in fixed directions; boosted: also its rapidity, with the principal axes of its rest frame. Any model is then
        invariant under rotations and reflections of a jet, or under all Lorentz transformations. Targets and observers
        are those of the jet as it is, not smeared.
    image : binning, preprocessing and scaling of the images, for models that take images.
    graph : nodes and edges of the graphs, for models that take graphs.
    features : choice and scaling of the high-level variables, for models that take those.
    """

    element_targets: Sequence[str] = ()
    pair_targets: Sequence[str] = ()
    n_particles: int | None = None
    smear: float = 0.0
    frame: Literal["lab", "rotated", "boosted"] = "lab"
    bucket: int = 1
    image: JetImage | None = None
    graph: ParticleGraph | None = None
    features: JetFeatures | None = None
    beams: bool = field(default=False, init=False)  # whether the two beams are prepended to the particles of each jet

    def particle_inputs(self) -> Transform:
        """What computes the columns p4 (m, 4) in GeV as (E, px, py, pz) and scalars (m, S) from those of the store."""
        raise NotImplementedError(f"{type(self).__name__} does not say what models get of its particles")

    def as_particles(self) -> tuple[Transform, ...] | None:
        return (self.particle_inputs(),)

    def make_representations(self) -> list[Representation]:
        transforms = (self.particle_inputs(), *self._of_frame(), HardestParticles(self.n_particles))
        carry = self.carry()
        particles = Particles().with_transforms(*carry, *transforms, *([WithBeams()] if self.beams else []))
        graph = (self.graph or ParticleGraph()).of_layout(self.info.layout).with_transforms(*carry, *transforms)
        image = (self.image or JetImage()).with_transforms(*transforms)
        return [particles, image, graph, self.as_features(transforms)]

    def _of_frame(self) -> list[Transform]:
        """What a detector does to the momenta, then the frame; before the hardest particles are chosen there."""
        if self.frame not in ("lab", *FRAMES):
            raise ConfigError(f"dataset.frame must be lab, rotated or boosted, got {self.frame!r}")
        if self.frame != "lab" and self.beams:
            raise ConfigError(
                f"dataset.frame={self.frame} knows no beams, as it is that of the jet: leave out dataset.beams=true"
            )
        smeared = [Resolution(self.smear)] if self.smear else []
        return smeared + ([StandardFrame(self.frame)] if self.frame != "lab" else [])

    def as_features(self, transforms: tuple[Transform, ...]) -> Representation:
        """The features of each jet, from particles behind these transforms."""
        return (self.features or JetFeatures()).with_transforms(*transforms)
