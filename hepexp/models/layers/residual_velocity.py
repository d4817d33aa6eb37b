"""The velocity of a flow as a residual network of the state, under conditions."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResidualVelocity(nn.Module):
    """A residual network: h <- h + W_2 silu(W_1 norm(h) + W_c c), c being a function of time and conditions.

    The velocity is a linear function of the last h: it must be able to have any sign and size.

    Shapes
    ------
    y (B, n), context (B, n_context) -> (B, n).
    """

    def __init__(self, n: int, n_context: int, width: int, n_blocks: int):
        super().__init__()
        self.embed = nn.Linear(n + n_context, width)
        self.context = nn.Sequential(nn.Linear(n_context, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.blocks = nn.ModuleList(_Block(width) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n)

    def forward(self, y: Tensor, context: Tensor) -> Tensor:
        h, c = self.embed(torch.cat([y, context], dim=1)), self.context(context)
        for block in self.blocks:
            h = block(h, c)
        return self.head(self.norm(h))


class _Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first, self.of_context = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.activation, self.second = nn.SiLU(), nn.Linear(width, width)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        return h + self.second(self.activation(self.first(self.norm(h)) + self.of_context(c)))
