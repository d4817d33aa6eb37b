"""Mixtures of two images, and of their classes."""

from __future__ import annotations

from dataclasses import replace

import torch

from hepexp.batch import ImageBatch
from hepexp.data.views.random_view import RandomView


class Mixup(RandomView[ImageBatch]):
    """Each image x_i becomes (1 - l) x_i + l x_j, j a random image of the batch; and its class likewise.

    1 - l and l follow a Beta(alpha, alpha) distribution, which is symmetric. The larger of the two stays with i.

    Parameters
    ----------
    strength : alpha; 1 for a uniform l, far below 1 hardly any mixing.

    References
    ----------
    H. Zhang et al., arXiv:1710.09412, section 2.
    """

    reads = "image"
    keeps_elements = True

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: ImageBatch, random: torch.Generator) -> ImageBatch:
        image, n = batch.image, len(batch)
        alpha = image.new_full((n, 2), self.strength, dtype=torch.float32)
        share = torch._sample_dirichlet(alpha, random).amin(1)  # torch.distributions draws from no generator
        other = torch.rand(n, generator=random, device=image.device).argsort()
        s = share.to(image)[:, None, None, None]
        mixed = (1 - s) * image + s * image[other]
        return replace(batch, image=mixed, mixed_label=batch.label[other], mixed_share=share)
