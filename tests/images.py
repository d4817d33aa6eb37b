"""Images with a spot, whose place has a closed form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch


class Centre(nn.Module):
    """An encoder that turns with the image: where its spot is."""

    input = "image"
    n_latent = 2

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))
        self.dropout = nn.Dropout(0.5)

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.dropout(self.scale * centre(batch.image))

    def decode(self, z: Tensor) -> Tensor:
        return z


def spots(n: int) -> ImageBatch:
    """The same spot 8 pixels to the right of the centre, n times, in two classes."""
    index = torch.arange(n)
    return ImageBatch(
        label=index % 2, index=index, extras=torch.zeros(n, 0), image=spot(32, 32, 8, 0).repeat(n, 1, 1, 1)
    )


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
