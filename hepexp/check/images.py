"""Rotations and reflections of images, and noise in their pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import ImageBatch
from hepexp.check.check import Check
from hepexp.data.views.image_views import Noise, Resampled, rotations
from hepexp.data.views.random_view import RandomView
from hepexp.models.claims import REFLECTIONS, RIGHT_ANGLES

ANGLES = (15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 135.0, 180.0, 270.0)  # degrees


class Turn(Resampled):
    """Each image rotated counter-clockwise about its centre by the same angle.

    Pixels of square images move to pixels if it is a multiple of 90 degrees; otherwise values between pixels are
    interpolated.

    Parameters
    ----------
    strength : angle, degrees.
    """

    def places(self, image: Tensor, random: torch.Generator) -> Tensor:
        return rotations(image.new_full((len(image),), math.radians(self.strength)), image)

    def __call__(self, batch: ImageBatch, random: torch.Generator) -> ImageBatch:
        quarters, left = divmod(self.strength, 90)
        if left == 0 and batch.image.shape[-1] == batch.image.shape[-2]:
            return replace(batch, image=torch.rot90(batch.image, int(quarters), (-2, -1)))
        return super().__call__(batch, random)


class Mirrored(RandomView[ImageBatch]):
    """The columns of each image in reverse order."""

    reads = "image"

    def __call__(self, batch: ImageBatch, random: torch.Generator) -> ImageBatch:
        return replace(batch, image=batch.image.flip(-1))


CHECKS = (
    Check(
        "image_rotation",
        "images rotated about their centre",
        Turn,
        ANGLES,
        "angle (degrees)",
        reads="image",
        behind=True,
        claim=RIGHT_ANGLES,
        judged=tuple(angle for angle in ANGLES if angle % 90 == 0),
    ),
    Check(
        "image_flip",
        "columns of images in reverse order",
        lambda _: Mirrored(),
        reads="image",
        behind=True,
        claim=REFLECTIONS,
    ),
    Check(
        "image_noise",
        "noise added to each pixel",
        Noise,
        (0.01, 0.03, 0.1, 0.3),
        "noise / spread of the pixels",
        reads="image",
        behind=True,
    ),
)
