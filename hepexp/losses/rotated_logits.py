"""Logits of images and of rotated copies, which say how far a network is from being invariant."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from hepexp.models.layers.rotation import rotate_images

ANGLES = (22.5, 45.0, 67.5)  # degrees; by 90 pixels move to pixels


def rotated_logits(model: nn.Module, batch) -> dict[str, Tensor]:
    """`logits` (B, C) of a batch of images and `rotated_logits` (B, angles, C) of them rotated between pixels.

    Empty for a model that does not ask for it by `compares_rotations = True`.
    """
    if not getattr(model, "compares_rotations", False):
        return {}
    rotated = [
        replace(batch, image=rotate_images(batch.image, batch.image.new_full((len(batch),), math.radians(angle))))
        for angle in ANGLES
    ]
    return {"logits": model(batch), "rotated_logits": torch.stack([model(one) for one in rotated], dim=1)}
