"""Showers in the calorimeter of CaloGAN: the published files, or a simulation of the same by Geant4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calogan.features import ShowerFeatures
from hepexp.data.datasets.calogan.grid import CHANNELS, SHAPE, FinestGrid
from hepexp.data.datasets.calogan.info import INFO
from hepexp.data.datasets.calogan.maps import LAYER_MAPS, densities
from hepexp.data.datasets.calogan.observables import OBSERVABLES, observe
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import Ragged


class CaloGan(HepDataModule):
    """Showers of positrons (label 1) and photons (label 0) of 1 to 100 GeV in a lead-argon calorimeter of three layers.

    Parameters
    ----------
    classes : particles to use, in the order of their new labels, of gamma, eplus and piplus; the sample in the package
        has no pi+.
    features : choice and scaling of the numbers, for models that take features.
    image : scaling of the layers, for models that take images: 3 x 12 x 96 pixels, among which the energy of each cell
        is divided.

    References
    ----------
    M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355.
    """

    info = INFO
    observables = OBSERVABLES
    layer_maps = LAYER_MAPS
    views: None = field(default=None, init=False)
    augment: None = field(default=None, init=False)

    classes: Sequence[str] | None = ("gamma", "eplus")
    extras: Sequence[str] = ()
    n_generate: int = 2000
    features: ShowerFeatures | None = None
    image: PixelImage | None = None

    def observe(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
        return observe(examples, names)

    def densities(self, showers: Ragged) -> list[NDArray[np.float64]]:
        return densities(showers)

    @property
    def generated_classes(self) -> tuple[str, ...]:
        return tuple(self.class_names) if "piplus" in self.class_names else ()

    def make_representations(self) -> list[Representation]:
        image = (self.image or PixelImage()).of_shape(SHAPE, CHANNELS).with_transforms(FinestGrid())
        return [self.features or ShowerFeatures(), image]
