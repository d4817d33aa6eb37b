"""Form `features` of points: their coordinates, unscaled."""

from __future__ import annotations

import numpy as np
import torch

from hepexp.batch import FeatureBatch
from hepexp.data.ragged import Ragged
from hepexp.data.render.form import Common, Form


class Points(Form):
    """The coordinates (x, y) of each example's point, not standardised, as that would break the rotational symmetry."""

    name = "features"

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        points = np.stack([examples["x"], examples["y"]], axis=1)
        return FeatureBatch(**common, features=torch.from_numpy(points))
