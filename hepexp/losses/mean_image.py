"""The mean of all images seen in training: the baseline that a reconstruction must beat."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MeanImage(nn.Module):
    """A running mean with the weights of the images, saved with the objective that owns it.

    Parameters
    ----------
    shape : (channels, rows, columns).

    Attributes
    ----------
    mean : of all images seen, (C, H, W) float64.
    seen : their number, or the sum of their weights.
    """

    mean: Tensor
    seen: Tensor

    def __init__(self, shape: torch.Size):
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros((), dtype=torch.float64))

    def see(self, image: Tensor, weight: Tensor | None = None) -> None:
        """Include images (B, C, H, W) in the mean, with weights (B,) if they have any."""
        if weight is None:
            self.seen += len(image)
            self.mean += (image.double().mean(0) - self.mean) * len(image) / self.seen
            return
        weight = weight.double()
        self.seen += weight.sum()
        excess = torch.tensordot(weight, image.double() - self.mean, dims=1)
        self.mean += excess / torch.where(self.seen != 0, self.seen, 1)

    def error(self, image: Tensor) -> Tensor:
        """Mean squared difference (B, C) of images (B, C, H, W) from the mean."""
        return (image - self.mean.to(image.dtype)).square().mean((2, 3))
