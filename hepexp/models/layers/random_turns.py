"""Images of a batch, each rotated by a random angle."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.rotation import rotate_images

_KEPT = 1021  # angles that evaluation cycles through; a prime, so that they meet other coefficients in each cycle
MAX_VIEWS = 2


class RandomTurns(nn.Module):
    """One or two rotated views of each image; the second is the first rotated further.

    Angles are drawn anew in training, and fixed for each example in evaluation. It has no weights.

    Parameters
    ----------
    n_rotations : angles are multiples of 360 degrees / n_rotations; null for any angle.

    Raises
    ------
    ConfigError : n_rotations below 2.
    """

    kept: Tensor

    def __init__(self, n_rotations: int | None):
        super().__init__()
        if n_rotations is not None and n_rotations < 2:
            raise ConfigError(f"model.n_rotations must be >= 2, or null for any angle, got {n_rotations}")
        self.n_rotations = n_rotations
        kept = torch.rand(_KEPT, MAX_VIEWS, generator=torch.Generator().manual_seed(1))
        self.register_buffer("kept", kept, persistent=False)

    def forward(self, batch: ImageBatch, n_views: int = 1) -> list[ImageBatch]:
        """`n_views` batches like the given one."""
        turn = torch.rand(len(batch), n_views).to(self.kept) if self.training else self.kept[batch.index % _KEPT]
        turn = turn[:, :n_views]  # in circles
        if self.n_rotations is not None:
            turn = (turn * self.n_rotations).floor() / self.n_rotations
        angles = 2 * math.pi * turn.cumsum(1)
        return [replace(batch, image=rotate_images(batch.image, angle)) for angle in angles.T]
