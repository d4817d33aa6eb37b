"""The steps of EdgeConv on tensors over edges, worked through a few jets at a time.

A tensor (B, N, K, C) over all edges of a batch is some 100 MB: on a CPU, each pass over it costs as much as the
arithmetic. So a step does all that it can while a piece of B that fits the cache is there (normalise, ReLU, multiply,
sum up the moments for the next batch norm), keeps only what enters it, and does the rest again in its backward pass.
The result is that of the plain formula. On other devices the batch is one piece.

Names: edges are weighted by w (B, N, K), 1 for real edges and 0 for others; z is what enters a batch norm, whose
moments are total = sum w z and spread = sum w (z - mean)^2, both (C,).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

PIECE_BYTES = 2**19  # of one edge tensor: a handful of them fit the cache of a core


def pieces(z: Tensor, n_channels: int) -> Iterator[slice]:
    """Slices of the batch axis of z (B, N, K, ...) whose edge tensors of n_channels fit the cache."""
    n_jets = len(z)
    if z.device.type == "cpu":
        bytes_per_jet = z.shape[1] * z.shape[2] * n_channels * z.element_size()
        n_jets = max(1, PIECE_BYTES // max(1, bytes_per_jet))
    return (slice(first, first + n_jets) for first in range(0, len(z), n_jets))


class Moments:
    """Sums up total and spread over pieces, without the cancellation of a sum of squares."""

    def __init__(self):
        self.parts: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, z: Tensor, w: Tensor) -> None:
        z, w = z.flatten(0, -2), w.flatten()
        count, total = w.sum(), w @ z
        self.parts.append((count, total, w @ (z - total / count.clamp(min=1)).square_()))

    def sum(self) -> tuple[Tensor, Tensor, Tensor]:
        """Total, spread and mean, each (C,)."""
        count, totals, spreads = (torch.stack(part) for part in zip(*self.parts, strict=True))
        total = totals.sum(0)
        mean = total / count.sum().clamp(min=1)
        between = count @ (totals / count.clamp(min=1)[:, None] - mean).square()
        return total, spreads.sum(0) + between, mean


def with_moments_grad(dz: Tensor, d_total: Tensor, d_spread: Tensor, z: Tensor, w: Tensor, mean: Tensor) -> Tensor:
    """Gradient of a piece of z: its own, and through the moments w (d_total + 2 d_spread (z - mean))."""
    slope = 2 * d_spread
    return torch.addcmul(d_total - slope * mean, slope, z).mul_(w[..., None]).add_(dz)


class JoinNodes(torch.autograd.Function):
    """z_ij = own_i + other_j, and the moments of z."""

    @staticmethod
    def forward(ctx, own: Tensor, other: Tensor, index: Tensor, w: Tensor):
        z = own.new_empty(*index.shape, own.shape[-1])
        moments = Moments()
        for p in pieces(z, z.shape[-1]):
            torch.add(own[p, :, None], gather_nodes(other[p], index[p]), out=z[p])
            moments.add(z[p], w[p])
        total, spread, mean = moments.sum()
        ctx.save_for_backward(index, w, z, mean)
        return z, total, spread

    @staticmethod
    @once_differentiable
    def backward(ctx, dz: Tensor, d_total: Tensor, d_spread: Tensor):
        index, w, z, mean = ctx.saved_tensors
        b, n, _, c = z.shape
        d_own, d_other = z.new_empty(b, n, c), z.new_empty(b, n, c)
        for p in pieces(z, c):
            g = with_moments_grad(dz[p], d_total, d_spread, z[p], w[p], mean)
            d_own[p] = g.sum(2)
            d_other[p] = scatter_nodes(g, index[p])
        return d_own, d_other, None, None


class NormaliseMultiply(torch.autograd.Function):
    """z' = W relu(scale z + shift) + bias, and the moments of z'."""

    @staticmethod
    def forward(ctx, z: Tensor, scale: Tensor, shift: Tensor, weight: Tensor, bias: Tensor | None, w: Tensor):
        out = z.new_empty(*z.shape[:-1], len(weight))
        moments = Moments()
        for p in pieces(z, z.shape[-1]):
            out[p] = F.linear(torch.addcmul(shift, z[p], scale).relu_(), weight, bias)
            moments.add(out[p], w[p])
        total, spread, mean = moments.sum()
        ctx.save_for_backward(z, scale, shift, weight, bias, w, out, mean)
        return out, total, spread

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out: Tensor, d_total: Tensor, d_spread: Tensor):
        z, scale, shift, weight, bias, w, out, mean = ctx.saved_tensors
        dz, d_weight = torch.empty_like(z), torch.zeros_like(weight)
        d_scale, d_shift = torch.zeros_like(scale), torch.zeros_like(shift)
        d_bias = None if bias is None else torch.zeros_like(bias)
        for p in pieces(z, z.shape[-1]):
            g = with_moments_grad(d_out[p], d_total, d_spread, out[p], w[p], mean).flatten(0, -2)
            rows = z[p].flatten(0, -2)
            a = torch.addcmul(shift, rows, scale).relu_()
            d_weight.addmm_(g.T, a)
            if d_bias is not None:
                d_bias += g.sum(0)
            dy = (g @ weight).mul_(a > 0)
            d_shift += dy.sum(0)
            d_scale += (dy * rows).sum(0)
            dz[p] = dy.mul_(scale).view(z[p].shape)
        return dz, d_scale, d_shift, d_weight, d_bias, None


class NormaliseAverage(torch.autograd.Function):
    """sum_j v_ij relu(scale z_ij + shift), with v = w / sum_j w for the mean over neighbours."""

    @staticmethod
    def forward(ctx, z: Tensor, scale: Tensor, shift: Tensor, v: Tensor):
        out = z.new_empty(*z.shape[:2], z.shape[-1])
        for p in pieces(z, z.shape[-1]):
            out[p] = torch.addcmul(shift, z[p], scale).relu_().mul_(v[p, ..., None]).sum(2)
        ctx.save_for_backward(z, scale, shift, v)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out: Tensor):
        z, scale, shift, v = ctx.saved_tensors
        dz, d_scale, d_shift = torch.empty_like(z), torch.zeros_like(scale), torch.zeros_like(shift)
        for p in pieces(z, z.shape[-1]):
            active = torch.addcmul(shift, z[p], scale) > 0
            dy = (d_out[p, :, None] * v[p, ..., None]).mul_(active)
            d_shift += dy.sum((0, 1, 2))
            d_scale += (dy * z[p]).sum((0, 1, 2))
            torch.mul(dy, scale, out=dz[p])
        return dz, d_scale, d_shift, None


def gather_nodes(x: Tensor, index: Tensor) -> Tensor:
    """Rows of x (B, N, C) at index (B, N, K) -> (B, N, K, C)."""
    return F.embedding(flat_index(index), x.flatten(0, 1))


def scatter_nodes(g: Tensor, index: Tensor) -> Tensor:
    """The transpose of gather_nodes: rows of g (B, N, K, C) summed where index (B, N, K) points -> (B, N, C)."""
    b, n, _, c = g.shape
    # The backward of an embedding look-up: on CPU several times faster than index_add_, and deterministic everywhere.
    return torch.ops.aten.embedding_dense_backward(g, flat_index(index), b * n, -1, False).view(b, n, c)


def flat_index(index: Tensor) -> Tensor:
    b, n, _ = index.shape
    return index + torch.arange(0, b * n, n, device=index.device)[:, None, None]
