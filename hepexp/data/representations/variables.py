"""Representation `features` of examples as rows of variables, standardised over the training examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import FeatureBatch
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.representations.scale import mean_and_spread
from hepexp.data.store.ragged import Ragged


class Variables(Representation[FeatureBatch]):
    """Stored columns with one value per example; a subclass computes other variables.

    Parameters
    ----------
    variables : their names, in the order wanted.
    standardise : scale each variable to mean 0 and variance 1 over the training examples.
    """

    name = "features"
    scales = ("mean", "std")

    def __init__(self, variables: Sequence[str], standardise: bool = True) -> None:
        self.variables = tuple(variables)
        self.standardise = standardise
        self.mean, self.std = np.zeros(len(variables)), np.ones(len(variables))

    def values(self, examples: Ragged) -> NDArray[np.float64]:
        """The variables (n, V) of examples, in their units."""
        return np.stack([examples[name].astype(np.float64) for name in self.variables], axis=1)

    def fit(self, examples: Ragged) -> None:
        if self.standardise:
            self.mean, self.std = mean_and_spread(examples["features"])

    def encode(self, examples: Ragged) -> Ragged:
        # particles are dropped: an example has no elements, only its row of variables
        nothing = np.zeros(len(examples) + 1, np.int64)
        return Ragged(examples.label, nothing, {}, {**examples.extras, "features": self.values(examples)})

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        values = ((examples["features"] - self.mean) / self.std).astype(np.float32)
        return FeatureBatch(**common, features=torch.from_numpy(values))
