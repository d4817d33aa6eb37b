"""Representation `cloud`: the columns of the elements as they are stored, scaled, which can be turned back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import CloudBatch
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.representations.scale import mean_and_spread
from hepexp.data.store.ragged import Ragged, offsets_of, pad
from hepexp.errors import ConfigError


class PointCloud(Representation[CloudBatch]):
    """Each example a set of points, whose components have mean 0 and the same standard deviation in training.

    A generator makes such batches; `decode` turns them into examples in the columns of the store.

    Parameters
    ----------
    columns : of the store, one a component.
    spread : standard deviation of each component; 5 is that of arXiv:2301.08128, section 3.1.

    Raises
    ------
    ConfigError : a spread out of range.
    """

    name = "cloud"
    scales = ("mean", "std")

    def __init__(self, columns: Sequence[str], spread: float = 5.0) -> None:
        if not 0 < spread < 1e6:
            raise ConfigError(f"dataset.cloud.spread must be > 0 and < 1e6, got {spread}")
        self.columns = tuple(columns)
        self.spread = spread
        self.mean, self.std = np.zeros(len(columns)), np.ones(len(columns))

    def encode(self, examples: Ragged) -> Ragged:
        points = np.stack([examples[name].astype(np.float64) for name in self.columns], axis=1)
        return replace(examples, elements={"points": points})

    def fit(self, examples: Ragged) -> None:
        self.mean, self.std = mean_and_spread(examples["points"])

    def plane(self, examples: Ragged) -> NDArray[np.floating]:
        return examples["points"][:, :2] if len(self.columns) > 1 else super().plane(examples)

    def collate(self, examples: Ragged, common: Common) -> CloudBatch:
        counts = examples.counts
        scaled = (self.spread * (examples["points"] - self.mean) / self.std).astype(np.float32)
        mask = np.arange(counts.max(initial=0)) < counts[:, None]
        return CloudBatch(**common, points=torch.from_numpy(pad(scaled, counts)), mask=torch.from_numpy(mask))

    def decode(self, batch: CloudBatch, like: Ragged) -> Ragged:
        mask = batch.mask.cpu().numpy()
        points = batch.points.detach().double().cpu().numpy()[mask] / self.spread * self.std + self.mean
        columns = {name: points[:, i] for i, name in enumerate(self.columns)}
        return self.complete(Ragged(like.label, offsets_of(mask.sum(1)), columns, dict(like.extras)))

    def complete(self, examples: Ragged) -> Ragged:
        """Generated examples as the data set has them: sorted, within limits, with what follows from their elements."""
        return examples
