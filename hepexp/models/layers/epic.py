"""Equivariant point cloud (EPiC) layers: points exchange information through a few global features of their set."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

SLOPE = 0.01  # of the leaky ReLU


def linear(n_in: int, n_out: int) -> nn.Module:
    """A linear layer with weight normalisation."""
    return weight_norm(nn.Linear(n_in, n_out))


def activation(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


class Pooling(nn.Module):
    """Mean and sum over the points of each set.

    Parameters
    ----------
    sum_scale : factor on the sum, which keeps it near the size of the mean.

    Shapes
    ------
    points (B, N, H), mask (B, N) -> (B, 2 H).
    """

    def __init__(self, sum_scale: float = 1.0):
        super().__init__()
        self.sum_scale = sum_scale

    def forward(self, points: Tensor, mask: Tensor) -> Tensor:
        total = torch.where(mask[..., None], points, 0).sum(1)
        n = mask.sum(1, keepdim=True).clamp(min=1)
        return torch.cat([total / n, self.sum_scale * total], dim=1)


class EPiCLayer(nn.Module):
    """One exchange between the points p and the global features g of a set.

        g <- L(W2 L(W1 [mean p, sum p, g, c]) + g),    p <- L(W4 L(W3 [p, g, c]) + p)

    with leaky ReLUs L and weight normalisation. It is equivariant under permutations of the points.

    Parameters
    ----------
    n_hidden : H, width of the points and of the hidden layers.
    n_global : G, number of global features.
    n_context : C, number of given features of the set, such as the time and the conditions of a flow.
    sum_scale : factor on the sum over points.

    Shapes
    ------
    points (B, N, H), state (B, G), context (B, C), mask (B, N) -> points (B, N, H), state (B, G).

    References
    ----------
    E. Buhmann, G. Kasieczka, J. Thaler, arXiv:2301.08128, equations 1 and 2.
    """

    def __init__(self, n_hidden: int, n_global: int, n_context: int = 0, sum_scale: float = 1.0):
        super().__init__()
        self.pool = Pooling(sum_scale)
        self.global_1 = linear(2 * n_hidden + n_global + n_context, n_hidden)
        self.global_2 = linear(n_hidden, n_global)
        self.local_1 = linear(n_hidden + n_global + n_context, n_hidden)
        self.local_2 = linear(n_hidden, n_hidden)

    def forward(self, points: Tensor, state: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        pooled = torch.cat([self.pool(points, mask), state, context], dim=1)
        state = activation(self.global_2(activation(self.global_1(pooled))) + state)
        every = torch.cat([state, context], dim=1)[:, None].expand(-1, points.shape[1], -1)
        hidden = activation(self.local_1(torch.cat([points, every], dim=2)))
        return activation(self.local_2(hidden) + points), state


class EPiCStack(nn.Module):
    """Layers one after another; with `skip`, what went into the first one is added after each.

    Parameters
    ----------
    n_layers : their number.
    skip : whether the first points and global features are added to those behind each layer.
    n_hidden, n_global, n_context, sum_scale : of each layer.
    """

    def __init__(
        self,
        n_layers: int,
        n_hidden: int,
        n_global: int,
        n_context: int = 0,
        sum_scale: float = 1.0,
        skip: bool = True,
    ):
        super().__init__()
        self.skip = skip
        self.layers = nn.ModuleList(EPiCLayer(n_hidden, n_global, n_context, sum_scale) for _ in range(n_layers))

    def forward(self, points: Tensor, state: Tensor, context: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        first = points, state
        for layer in self.layers:
            points, state = layer(points, state, context, mask)
            if self.skip:
                points, state = points + first[0], state + first[1]
        return points, state
