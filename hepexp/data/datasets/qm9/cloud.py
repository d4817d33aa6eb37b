"""Molecules as clouds of (x, y, z, one-hot element), and generated clouds as molecules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from hepexp.batch import CloudBatch
from hepexp.data.datasets.qm9.info import AXES, ELEMENTS, LAYOUT
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged, offsets_of, pad
from hepexp.errors import ConfigError

NUMBERS = np.array([*ELEMENTS.values()])


class MoleculeCloud(Representation[CloudBatch]):
    """Each molecule a set of atoms (x, y, z, one-hot element), its centre in the origin.

    Of a generated atom the element is that of the largest of its last features.

    Parameters
    ----------
    length : unit of x, y, z in Å.
    one_hot : value of the feature of the atom's element, 0.25 in arXiv:2203.17003: a diffusion then decides about the
        places of atoms before their elements.

    Raises
    ------
    ConfigError : a number out of range.
    """

    name = "cloud"
    n_coordinates = len(AXES)

    def __init__(self, length: float = 1.0, one_hot: float = 0.25) -> None:
        for key, value in (("length", length), ("one_hot", one_hot)):
            if not 0 < value < 1e3:
                raise ConfigError(f"dataset.cloud.{key} must be > 0 and < 1000, got {value}")
        self.length, self.one_hot = length, one_hot

    def encode(self, examples: Ragged) -> Ragged:
        place = np.stack([examples[name].astype(np.float64) for name in AXES], axis=1)
        mean = np.add.reduceat(place, examples.offsets[:-1]) / examples.counts[:, None] if len(examples) else place
        place -= np.repeat(mean, examples.counts, axis=0)
        element = examples["number"][:, None] == NUMBERS
        points = np.concatenate([place / self.length, self.one_hot * element], axis=1)
        return replace(examples, elements={"points": points})

    def collate(self, examples: Ragged, common: Common) -> CloudBatch:
        counts = examples.counts
        points = pad(examples["points"].astype(np.float32), counts)
        mask = np.arange(counts.max(initial=0)) < counts[:, None]
        return CloudBatch(**common, points=torch.from_numpy(points), mask=torch.from_numpy(mask))

    def decode(self, batch: CloudBatch, like: Ragged) -> Ragged:
        mask = batch.mask.cpu().numpy()
        points = batch.points.detach().double().cpu().numpy()[mask]
        columns = {"number": NUMBERS[points[:, self.n_coordinates :].argmax(1)]}
        for i, name in enumerate(AXES):
            allowed = LAYOUT.limits[name]
            columns[name] = np.clip(self.length * points[:, i], allowed.low, allowed.high)
        return Ragged(like.label, offsets_of(mask.sum(1)), columns, dict(like.extras)).cast(LAYOUT)
