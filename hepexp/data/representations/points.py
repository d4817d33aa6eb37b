"""Representation `features` of points and vectors: their components, unscaled."""

from __future__ import annotations

import numpy as np
import torch

from hepexp.batch import FeatureBatch
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged


class Points(Representation[FeatureBatch]):
    """The components of each example's point or vector, not standardised, as that would break a rotational symmetry.

    Parameters
    ----------
    columns : of the store, one a component.
    """

    name = "features"

    def __init__(self, columns: tuple[str, ...] = ("x", "y")):
        self.columns = columns

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        points = np.stack([examples[name] for name in self.columns], axis=1)
        return FeatureBatch(**common, features=torch.from_numpy(points))
