"""Learnt vector fields xi_a(x), their derivatives and their flows: linear ones, and dense networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.models.layers.dense import dense

N_STEPS = 32  # Runge-Kutta steps of a flow


class LinearFields(nn.Module):
    """xi_a(x) = W_a x, with the flow exp(t W_a) x.

    Parameters
    ----------
    n : dimension of x; n_channels : number of fields; initial : standard deviation of the entries of W_a at the start.

    Shapes
    ------
    x (B, n) -> fields (B, c, n).
    """

    def __init__(self, n: int, n_channels: int, initial: float):
        super().__init__()
        self.generators = nn.Parameter(initial * torch.randn(n_channels, n, n))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("aij,bj->bai", self.generators, x)

    def along(self, x: Tensor, v: Tensor) -> Tensor:
        """Derivatives (B, k, c, n) of all fields at x along the vectors v (B, k, n)."""
        return torch.einsum("aij,bkj->bkai", self.generators, v)

    def gram(self, moments: Tensor, of_batch: Tensor) -> Tensor:
        """E xi_a . xi_b (c, c), which for linear fields follows from the moments E x x^T (n, n) without any noise."""
        return torch.einsum("aij,jk,bik->ab", self.generators, moments, self.generators)

    def flow(self, x: Tensor, t: float) -> Tensor:
        """Where each field takes x (B, n) in the time t (B, c, n)."""
        return torch.einsum("aij,bj->bai", torch.matrix_exp(t * self.generators), x)


class DenseFields(nn.Module):
    """A dense network with tanh that gives all fields; the flow is integrated by fourth-order Runge-Kutta steps.

    Parameters
    ----------
    n : dimension of x; n_channels : number of fields; widths : of the hidden layers.

    Shapes
    ------
    x (B, n) -> fields (B, c, n).
    """

    def __init__(self, n: int, n_channels: int, widths: Sequence[int]):
        super().__init__()
        self.layers = dense(n, widths, n_channels * n, nn.Tanh).append(nn.Unflatten(1, (n_channels, n)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def along(self, x: Tensor, v: Tensor) -> Tensor:
        """Derivatives (B, k, c, n) of all fields at x along the vectors v (B, k, n)."""
        return torch.stack([torch.func.jvp(self.layers, (x,), (one,))[1] for one in v.unbind(1)], dim=1)

    def gram(self, moments: Tensor, of_batch: Tensor) -> Tensor:
        """E xi_a . xi_b (c, c), here the mean over the batch."""
        return of_batch

    def flow(self, x: Tensor, t: float) -> Tensor:
        """Where each field takes x (B, n) in the time t (B, c, n)."""
        h = t / N_STEPS
        y = x[:, None].expand_as(self(x))
        for _ in range(N_STEPS):
            k1 = self._own(y)
            k2 = self._own(y + h / 2 * k1)
            k3 = self._own(y + h / 2 * k2)
            k4 = self._own(y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y

    def _own(self, y: Tensor) -> Tensor:
        """Each field (B, c, n) at a point of its own, y (B, c, n)."""
        return self.layers(y.flatten(0, 1)).unflatten(0, y.shape[:2]).diagonal(dim1=1, dim2=2).mT
