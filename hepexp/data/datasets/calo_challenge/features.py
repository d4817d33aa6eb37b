"""Representation `features` of the CaloChallenge's showers: the input of its low-level classifier."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import FeatureBatch
from hepexp.data.datasets.calo_challenge.observables import voxels
from hepexp.data.representations.variables import Variables
from hepexp.data.store.images import from_dense
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError

_MOST_THRESHOLD = 1e6  # MeV, the energy of the whole shower


class VoxelFeatures(Variables):
    """log10 of the energy of the particle in MeV, and the energies of all voxels over it.

    Parameters
    ----------
    standardise : scale each to mean 0 and variance 1 over the training showers.
    threshold : in MeV: voxels of generated showers that have less are empty; that of data sets 2 and 3 is 0.0151.
    """

    def __init__(self, standardise: bool = False, threshold: float = 0.0151) -> None:
        if not 0 <= threshold <= _MOST_THRESHOLD:
            raise ConfigError(f"dataset.features.threshold must be 0 to {_MOST_THRESHOLD:g} MeV, got {threshold}")
        super().__init__((), standardise)
        self.threshold, self.n_voxels = threshold, 0

    def of(self, n_voxels: int) -> VoxelFeatures:
        """The same for showers of so many voxels."""
        made = VoxelFeatures(self.standardise, self.threshold)
        made.n_voxels = n_voxels
        made.mean, made.std = np.zeros(n_voxels + 1), np.ones(n_voxels + 1)
        return made

    def values(self, examples: Ragged) -> NDArray[np.float64]:
        energy = examples["energy"].astype(np.float64)[:, None] * 1000
        return np.concatenate([np.log10(energy), voxels(examples, self.n_voxels) / energy], 1)

    def decode(self, batch: FeatureBatch, like: Ragged) -> Ragged:
        """Generated showers of particles with the energies of `like`."""
        values = batch.features.detach().double().cpu().numpy() * self.std + self.mean
        dense = np.maximum(values[:, 1:], 0) * like["energy"].astype(np.float64)[:, None] * 1000
        dense[dense < self.threshold] = 0
        return from_dense(like.label, dense, energy=like["energy"])
