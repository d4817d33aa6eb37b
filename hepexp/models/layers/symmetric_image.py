"""Masks and pools that treat all sides of a square image alike, so that they commute with its rotations and flips."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DiskMask(nn.Module):
    """Fades an image out beyond its inscribed circle: what a rotation would move out of the image must not contribute.

    Parameters
    ----------
    width : width of the fade in pixels: exp(-(r^2 - R^2) / width^2) at a distance r from the centre beyond the circle's
        radius R.

    Shapes
    ------
    (B, C, H, W) -> the same.
    """

    def __init__(self, width: float = 2.0):
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        row, column = (torch.arange(n, device=x.device, dtype=x.dtype) - (n - 1) / 2 for n in x.shape[2:])
        radius = (min(x.shape[2:]) - 1) / 2
        beyond = row[:, None] ** 2 + column**2 - radius**2
        return x * torch.exp(-beyond.clamp(min=0) / self.width**2)


class BlurPool(nn.Module):
    """Halves an image after a Gaussian blur, which removes what the coarser lattice cannot represent.

    The remaining pixels must be symmetric: for an odd number, every second one from the first to the last, blurred by
    an odd kernel; for an even number, one in the middle of each pair, blurred by an even kernel. The usual odd kernel
    with stride 2 on an even number keeps the first pixel and drops the last: it shifts the image by half a pixel, to a
    different side after a rotation.

    Parameters
    ----------
    sigma : standard deviation of the Gaussian, in pixels; it is truncated at three sigma.

    Shapes
    ------
    (B, C, H, W) -> (B, C, ceil(H / 2), ceil(W / 2)).

    References
    ----------
    Zhang, arXiv:1904.11486, section 3.2.
    """

    def __init__(self, sigma: float):
        super().__init__()
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        down, across = (self._kernel(n, x) for n in x.shape[2:])
        padding = [(len(kernel) - 1) // 2 for kernel in (down, across)]
        kernel = torch.outer(down, across).expand(x.shape[1], 1, -1, -1)
        return F.conv2d(x, kernel, stride=2, padding=padding, groups=x.shape[1])

    def _kernel(self, n: int, like: Tensor) -> Tensor:
        """Weights at a distance of whole pixels for an odd n, of halves between them for an even n."""
        reach = round(3 * self.sigma) + (0 if n % 2 else 0.5)
        offset = torch.arange(2 * reach + 1, device=like.device, dtype=like.dtype) - reach
        weight = torch.exp(-(offset**2) / (2 * self.sigma**2))
        return weight / weight.sum()


class GlobalMax(nn.Module):
    """The maximum over all pixels: (B, C, H, W) -> (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax((2, 3))
