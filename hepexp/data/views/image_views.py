"""Views of images: rotation, reflection, a crop, noise. Pixels that come from outside an image are empty."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from hepexp.batch import ImageBatch
from hepexp.data.views.jet_symmetries import symmetric
from hepexp.data.views.random_view import RandomView
from hepexp.precision import full_precision

if TYPE_CHECKING:
    from hepexp.data.representations.representation import Representation


class Resampled(RandomView[ImageBatch]):
    """Base class of views that take the pixels of an image from other places, by bilinear interpolation."""

    reads = "image"
    keeps_elements = True

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self._representation: Representation | None = None

    def fit_to(self, representation: Representation) -> None:
        self._representation = representation  # its scales, and with them the value of an empty pixel, may yet change

    def places(self, image: Tensor, random: torch.Generator) -> Tensor:
        """Affine maps (B, 2, 3) to the places (x, y) from which pixels are taken, in [-1, 1] across the image."""
        raise NotImplementedError

    def __call__(self, batch: ImageBatch, random: torch.Generator) -> ImageBatch:
        image = batch.image
        empty = 0.0 if self._representation is None else self._representation.empty_pixel
        if isinstance(empty, Tensor):
            empty = empty.to(image)
        with full_precision(image):  # places rounded to bfloat16 would be off by tenths of a pixel
            grid = F.affine_grid(self.places(image, random), list(image.shape), align_corners=False)
            return replace(batch, image=F.grid_sample(image - empty, grid, align_corners=False) + empty)


class ImageRotation(Resampled):
    """Each image rotated about its centre, by an angle that is uniform in [-s, s].

    Parameters
    ----------
    strength : s, degrees; 180 for any angle.
    """

    def places(self, image: Tensor, random: torch.Generator) -> Tensor:
        return rotations(math.radians(self.strength) * symmetric(image[:, 0, 0, 0], random), image)


class Crop(Resampled):
    """A part of each image, at a random place, enlarged to the whole; its sides are uniform in [1 - s, 1] of the whole.

    As in arXiv:2002.05709, section 3, with the ratio of the sides kept.

    Parameters
    ----------
    strength : s.
    """

    def places(self, image: Tensor, random: torch.Generator) -> Tensor:
        side, x, y = (symmetric(image[:, 0, 0, 0], random) for _ in range(3))
        side = 1 - self.strength * (side + 1) / 2
        none = torch.zeros_like(side)
        rows = ([side, none, (1 - side) * x], [none, side, (1 - side) * y])
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


class Reflection(RandomView[ImageBatch]):
    """Rows, and columns, of each image in reverse order, each with probability 1/2."""

    reads = "image"
    keeps_elements = True

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength

    def __call__(self, batch: ImageBatch, random: torch.Generator) -> ImageBatch:
        image = batch.image
        for side in (-1, -2):
            image = torch.where(symmetric(image[:, :1, :1, :1], random) < 0, image.flip(side), image)
        return replace(batch, image=image)


class Noise(RandomView[ImageBatch]):
    """Normal noise added to each pixel, empty ones included.

    Parameters
    ----------
    strength : its standard deviation, in units of that of the pixels of the same channel and image.
    """

    reads = "image"
    keeps_elements = True

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: ImageBatch, random: torch.Generator) -> ImageBatch:
        image = batch.image
        noise = torch.randn(image.shape, generator=random, dtype=image.dtype, device=image.device)
        return replace(batch, image=image + self.strength * image.std((-2, -1), keepdim=True, correction=0) * noise)


def rotations(angle: Tensor, image: Tensor) -> Tensor:
    """Affine maps (B, 2, 3) that rotate images (B, C, H, W) by these angles (B,); not square ones keep their shape."""
    rows, columns = image.shape[-2:]
    sin, cos, none = angle.sin(), angle.cos(), torch.zeros_like(angle)
    lines = ([cos, -sin * rows / columns, none], [sin * columns / rows, cos, none])
    return torch.stack([torch.stack(line, dim=1) for line in lines], dim=1)
