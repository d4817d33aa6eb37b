"""Columns of a user's file with one value per example, scaled: the representation `features`, and extras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import FeatureBatch
from hepexp.data.datasets.files.particles import Standardised
from hepexp.data.datasets.files.scaled_input import Input
from hepexp.data.loading.dataset import ScaledExtras
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged


def _stacked(inputs: Sequence[Input], examples: Ragged) -> NDArray[np.float64]:
    columns = [examples.extras[one.expr].astype(np.float64) for one in inputs]
    return np.stack(columns, axis=1) if columns else np.zeros((len(examples), 0))


class FileExtras(Standardised, ScaledExtras):
    """Additional inputs of each example, in the order given.

    Parameters
    ----------
    inputs : the columns, and how they are scaled.
    examples : training examples to which scales are fitted.
    """

    def __init__(self, inputs: Sequence[Input], examples: Ragged) -> None:
        super().__init__("extras", inputs)
        self.fit_to(_stacked(inputs, examples))

    def __call__(self, examples: Ragged) -> NDArray[np.float32]:
        return self.scaled(_stacked(self.inputs, examples))


class FileFeatures(Standardised, Representation[FeatureBatch]):
    """Columns with one value per example, in the order given.

    Parameters
    ----------
    inputs : the columns, and how they are scaled.
    """

    name = "features"

    def __init__(self, inputs: Sequence[Input]) -> None:
        super().__init__("features", inputs)

    def fit(self, examples: Ragged) -> None:
        self.fit_to(examples["features"])

    def encode(self, examples: Ragged) -> Ragged:
        values = _stacked(self.inputs, examples)
        nothing = np.zeros(len(examples) + 1, np.int64)
        return Ragged(examples.label, nothing, {}, {"features": values})

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        return FeatureBatch(**common, features=torch.from_numpy(self.scaled(examples["features"])))
