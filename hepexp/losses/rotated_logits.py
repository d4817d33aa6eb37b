"""Logits of images and of rotated copies, which say how far a network is from being invariant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.rotation import rotate_images
from hepexp.precision import full_precision

ANGLES = (22.5, 45.0, 67.5)  # degrees; by 90 pixels move to pixels
WIDTH = 1.5  # pixels, of the Gaussian that smooths images: interpolation changes single pixels more than a network does


def rotated_logits(model: nn.Module, batch, empty_pixel: Sequence[float] = ()) -> dict[str, Tensor]:
    """`logits` (B, C) of smoothed images and `rotated_logits` (B, angles, C) of them rotated between pixels.

    Empty for a model that does not ask for it by `compares_rotations = True`.

    Parameters
    ----------
    empty_pixel : value of an empty pixel in each channel, as all pixels around an image are; zero if there is none.
    """
    if not getattr(model, "compares_rotations", False):
        return {}
    empty = batch.image.new_tensor(empty_pixel or (0.0,))[:, None, None]
    smooth = smoothed(batch.image - empty)
    turned = [rotate_images(smooth, smooth.new_full((len(batch),), math.radians(angle))) for angle in ANGLES]
    logits, *rotated = (model(replace(batch, image=image + empty)) for image in (smooth, *turned))
    return {"logits": logits, "rotated_logits": torch.stack(rotated, dim=1)}


def smoothed(image: Tensor) -> Tensor:
    """Images (B, C, H, W) convolved with a Gaussian, and zero around them."""
    reach = round(4 * WIDTH)
    weight = torch.exp(-((torch.arange(-reach, reach + 1, device=image.device) / WIDTH) ** 2) / 2).to(image.dtype)
    weight = weight / weight.sum()
    with full_precision(image):
        for shape, padding in (((1, 1, -1, 1), (reach, 0)), ((1, 1, 1, -1), (0, reach))):
            kernel = weight.view(shape).expand(image.shape[1], -1, -1, -1)
            image = F.conv2d(image, kernel, padding=padding, groups=image.shape[1])
    return image
