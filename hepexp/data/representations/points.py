"""Representation `features` of points: their coordinates, unscaled."""

from __future__ import annotations

import numpy as np
import torch

from hepexp.batch import FeatureBatch
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged


class Points(Representation):
    """The coordinates (x, y) of each example's point, not standardised, as that would break the rotational symmetry."""

    name = "features"

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        points = np.stack([examples["x"], examples["y"]], axis=1)
        return FeatureBatch(**common, features=torch.from_numpy(points))
