"""Images of quark and gluon jets in CMS: CMS Open Data, or a simulation of the same sample."""

from __future__ import annotations

from collections.abc import Sequence

from hepexp.data.datasets.qg_images.info import CELL, CHANNELS, INFO
from hepexp.data.loading.image_datamodule import ImageDataModule
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.representation import Particles, Representation
from hepexp.data.transforms.particle_selection import HardestParticles
from hepexp.data.transforms.pixels import PixelParticles
from hepexp.data.transforms.transform import Transform


class QuarkGluonImages(ImageDataModule):
    """Quark (label 1) vs gluon (label 0) jets of CMS Open Data as images of tracks, ECAL and HCAL, 125 x 125.

    Parameters
    ----------
    channels : image channels, any of `tracks`, `ecal` and `hcal`, in the order wanted; null for all three.
    crop : size in pixels of the central square to keep; null for all 125 x 125.
    n_particles : for models that take particles, use this many pixels per image as particles, the brightest ones; null
        for all.
    features : choice and scaling of the high-level variables, computed from pixels as particles, for models that take
        those.

    References
    ----------
    M. Andrews et al., arXiv:1902.08276.
    """

    info = INFO
    channel_names = CHANNELS

    extras: Sequence[str] = ()
    train_classes: Sequence[str] | None = None
    n_particles: int | None = 100
    bucket: int = 1
    n_generate: int = 10000
    features: JetFeatures | None = None

    def as_particles(self) -> tuple[Transform, ...]:
        crop = self.make_crop()
        return (crop, PixelParticles(crop.shape, CELL))

    def make_representations(self) -> list[Representation]:
        """Those of every image, and `particles` and `features`, which treat pixels as particles."""
        transforms = (*self.as_particles(), HardestParticles(self.n_particles))
        as_particles = [one.with_transforms(*transforms) for one in (Particles(), self.features or JetFeatures())]
        return [*super().make_representations(), *as_particles]
