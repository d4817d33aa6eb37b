"""The showers of the CaloChallenge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calo_challenge import binning, maps, observables
from hepexp.data.datasets.calo_challenge.features import VoxelFeatures
from hepexp.data.datasets.calo_challenge.info import CHALLENGES, info
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError


class CaloChallenge(HepDataModule):
    """Showers in cylinders of voxels around the axis of the particle: data sets 1 to 3 of the CaloChallenge.

    The published files alone, of which the first half trains and the second tests; nothing is shipped or simulated.

    Parameters
    ----------
    part : photons_1, 368 voxels; pions_1, 533; electrons_2, 6,480 (45 layers x 16 x 9); electrons_3, 40,500.
    extras : additional inputs for each shower, standardised: energy.
    features : scaling of the numbers that models read.

    References
    ----------
    C. Krause et al., arXiv:2410.21611.
    """

    views: None = field(default=None, init=False)
    augment: None = field(default=None, init=False)
    n_generate: int = field(default=10, init=False)
    generate_seed: int = field(default=0, init=False)

    part: Literal["photons_1", "pions_1", "electrons_2", "electrons_3"] = "photons_1"
    source: Literal["auto", "full"] = "auto"
    extras: Sequence[str] = ()
    features: VoxelFeatures | None = None

    def __post_init__(self) -> None:
        self.info = info(self.part)
        self._binning: binning.Binning | None = None
        super().__post_init__()

    def make_representations(self) -> list[Representation]:
        return [(self.features or VoxelFeatures()).of(CHALLENGES[self.part].n_voxels)]

    @property
    def binning(self) -> binning.Binning:
        """The voxels, read from the file that is published beside the showers.

        Raises
        ------
        DataError : it is missing, or has another number of voxels.
        """
        if self._binning is None:
            challenge, file = CHALLENGES[self.part], self.info.releases[0][0].files[1]
            path = self.info.find_file(file)
            if path is None:
                missing = self.info.folder / file.name
                raise DataError(f"{missing}: no such file; how to get it: {self.info.how_to_fetch}")
            found = binning.read(path, challenge.particle)
            if found.first[-1] != challenge.n_voxels:
                raise DataError(f"{path}: has {found.first[-1]:,} voxels, expected {challenge.n_voxels:,}")
            self._binning = found
        return self._binning

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        self.observables = observables.observables(self.binning)
        self.layer_maps = maps.layer_maps(self.binning)

    def observe(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
        return observables.observe(examples, self.binning, names)

    def densities(self, showers: Ragged) -> list[NDArray[np.float64]]:
        return maps.densities(showers, self.binning)
