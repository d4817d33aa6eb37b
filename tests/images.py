"""Images with a spot, whose place has a closed form."""

from __future__ import annotations

import torch
from torch import Tensor


def spot(rows: int, columns: int, x: float, y: float) -> Tensor:
    """A Gaussian of width 2 pixels (1, 1, rows, columns) at x to the right of the centre and y above it."""
    right, up = _places(rows, columns)
    return torch.exp(-((right - x) ** 2 + (up[:, None] - y) ** 2) / 8)[None, None]


def centre(image: Tensor) -> Tensor:
    """Where the mean of each image (B, 1, H, W) is, (B, 2): to the right of the centre, and above it."""
    right, up = (places.to(image) for places in _places(*image.shape[2:]))
    total = image.sum((1, 2, 3))
    return torch.stack([(image * right).sum((1, 2, 3)) / total, (image * up[:, None]).sum((1, 2, 3)) / total], dim=1)


def _places(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """How far each column is to the right of the centre, and each row above it."""
    right = torch.arange(columns, dtype=torch.float64) - (columns - 1) / 2
    return right, (rows - 1) / 2 - torch.arange(rows, dtype=torch.float64)
