"""The inputs of networks of high-level variables: one value of each example for each, in its units."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.data.datasets.files.features import FileFeatures
from hepexp.data.physics.observables import UNITS
from hepexp.data.representations.points import Points
from hepexp.data.representations.variables import Variables
from hepexp.data.store.ragged import Ragged
from hepexp.export.extras import Affine, Extra
from hepexp.export.scalars import StandardisedValues
from hepexp.export.tensors import Inputs, of_examples


class FeatureInputs(Inputs):
    """From the variables of each example to the batch that a network of features takes.

    Parameters
    ----------
    representation : of the data set, with its scales.
    extra : additional inputs of each example.
    """

    def __init__(self, representation: Variables | FileFeatures | Points, extra: Extra) -> None:
        super().__init__()
        self.source = representation
        self.scale: nn.Module
        match representation:
            case FileFeatures():
                names, self.scale = [one.expr for one in representation.inputs], StandardisedValues(representation)
            case Points():
                names, self.scale = list(representation.columns), nn.Identity()
            case _:
                names, self.scale = list(representation.variables), Affine(representation.mean, representation.std)
        self.extra = extra
        variables = (of_examples(name, UNITS.get(name, ""), "standardised inside") for name in names)
        self.n = len(names)
        self.tensors = (*variables, *extra.tensors)

    def forward(self, *columns: Tensor) -> FeatureBatch:
        features = self.scale(torch.stack(columns[: self.n], dim=-1)).float()
        return FeatureBatch(**self.extra(features, *columns[self.n :]), features=features)

    def feed(self, examples: Ragged) -> dict[str, NDArray]:
        """The inputs of examples of the store."""
        if isinstance(self.source, Points):
            values = np.stack([examples[name].astype(np.float64) for name in self.source.columns], axis=1)
        else:
            values = self.source.prepare(examples)["features"].astype(np.float64)
        columns = {one.name: np.ascontiguousarray(values[:, i]) for i, one in enumerate(self.tensors[: self.n])}
        return columns | self.extra.feed(examples)
