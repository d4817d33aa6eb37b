"""Representation `features` of a user's examples: columns of the file, scaled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hepexp.batch import FeatureBatch
from hepexp.data.datasets.files.keys import Input
from hepexp.data.datasets.files.particles import Standardised
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged


class FileFeatures(Standardised, Representation):
    """Columns with one value per example, in the order given.

    Parameters
    ----------
    inputs : the columns, and how they are scaled.
    """

    name = "features"

    def __init__(self, inputs: Sequence[Input]) -> None:
        super().__init__("features", inputs)

    def fit(self, examples: Ragged) -> None:
        super().fit(examples["features"])

    def encode(self, examples: Ragged) -> Ragged:
        values = np.stack([examples.extras[one.expr].astype(np.float64) for one in self.inputs], axis=1)
        nothing = np.zeros(len(examples) + 1, np.int64)
        return Ragged(examples.label, nothing, {}, {"features": values})

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        return FeatureBatch(**common, features=torch.from_numpy(self(examples["features"])))
