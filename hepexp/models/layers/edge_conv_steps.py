"""The steps of networks on the edges or pairs of particles, a few jets at a time.

A tensor (R, K, C) over the edges of all R particles of a batch is some 100 MB: on a CPU, each pass over it costs as
much as the arithmetic. So a step does as much as it can while the rows of a few jets are in the cache (normalise, ReLU,
multiply, sum the moments for the next batch norm), keeps only its inputs, and recomputes the rest in its backward pass.
The result is that of the plain formula. On other devices the batch is one piece.

Names: edges are weighted by w (R, K), 1 for real edges and 0 for others; z is what enters a batch norm, whose
moments are total = sum w z and spread = sum w (z - mean)^2, both (C,). No edge crosses the rows in bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from hepexp.models.layers.cache_blocking import Chunk, linear, run


class Activation(NamedTuple):
    """A function that may overwrite its argument y, and what takes a gradient back, from d f(y) and y."""

    of: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


RELU = Activation(torch.relu_, lambda d_out, y: torch.ops.aten.threshold_backward(d_out, y, 0))
GELU = Activation(F.gelu, torch.ops.aten.gelu_backward)
NONE = Activation(lambda y: y, lambda d_out, y: d_out)
PIECE_BYTES = 2**19  # of one edge tensor: a handful of them fit in the cache of a core


def pieces(z: Tensor, bounds: list[int]) -> list[Chunk]:
    """Runs of whole jets whose rows of z (R, K, C) fit the cache, or of one jet."""
    n_rows = PIECE_BYTES // (z.shape[1] * z.shape[2] * z.element_size())
    cuts = [0]
    for last, bound in pairwise(bounds):
        if last > cuts[-1] and bound - cuts[-1] > n_rows:
            cuts.append(last)
    return [Chunk(start, stop, 1) for start, stop in pairwise([*cuts, bounds[-1]])]


def over_pieces(step: Callable[[slice], tuple[Tensor, ...]], z: Tensor, bounds: list[int]) -> list[tuple[Tensor, ...]]:
    """step(rows) for each piece, in order, on all threads."""
    return [part for _, part in run(lambda piece: step(slice(piece.start, piece.stop)), pieces(z, bounds))]


def sums(parts: list[tuple[Tensor, ...]]) -> list[Tensor]:
    """Each of the tensors that a step returns, summed over the pieces."""
    return [torch.stack(part).sum(0) for part in zip(*parts, strict=True)]


def moments(z: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Count, total and spread of one piece."""
    z, w = z.flatten(0, -2), w.flatten()
    count, total = w.sum(), w @ z
    return count, total, w @ (z - total / count.clamp(min=1)).square_()


def join_moments(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor, Tensor]:
    """Total, spread and mean of all pieces, without the cancellation of a sum of squares."""
    count, totals, spreads = (torch.stack(part) for part in zip(*parts, strict=True))
    total = totals.sum(0)
    mean = total / count.sum().clamp(min=1)
    between = count @ (totals / count.clamp(min=1)[:, None] - mean).square()
    return total, spreads.sum(0) + between, mean


def with_moments_grad(dz: Tensor, d_total: Tensor, d_spread: Tensor, z: Tensor, w: Tensor, mean: Tensor) -> Tensor:
    """Gradient of a piece of z: its own, and through the moments w (d_total + 2 d_spread (z - mean))."""
    slope = 2 * d_spread
    return torch.addcmul(d_total - slope * mean, slope, z).mul_(w[..., None]).add_(dz)


class JoinNodes(Function):
    """z_ij = own_i + other_j, and the moments of z."""

    @staticmethod
    def forward(ctx, own: Tensor, other: Tensor, index: Tensor, w: Tensor, bounds: list[int]):
        z = own.new_empty(*index.shape, own.shape[-1])

        def step(p: slice):
            torch.add(own[p, None], F.embedding(index[p] - p.start, other[p]), out=z[p])
            return moments(z[p], w[p])

        total, spread, mean = join_moments(over_pieces(step, z, bounds))
        ctx.save_for_backward(index, w, z, mean)
        ctx.bounds = bounds
        return z, total, spread

    @staticmethod
    @once_differentiable
    def backward(ctx, dz: Tensor, d_total: Tensor, d_spread: Tensor):
        index, w, z, mean = ctx.saved_tensors

        def step(p: slice):
            g = with_moments_grad(dz[p], d_total, d_spread, z[p], w[p], mean)
            return g.sum(1), embedding_backward(g, index[p] - p.start)

        d_own, d_other = (torch.cat(part) for part in zip(*over_pieces(step, z, ctx.bounds), strict=True))
        return d_own, d_other, None, None, None


class NormaliseMultiply(Function):
    """z' = W f(scale z + shift) + bias, and the moments of z'; f is RELU, GELU or NONE."""

    @staticmethod
    def forward(
        ctx,
        z: Tensor,
        scale: Tensor,
        shift: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        w: Tensor,
        bounds: list[int],
        activation: Activation = RELU,
    ):
        out = z.new_empty(*z.shape[:-1], len(weight))

        def step(p: slice):
            a = activation.of(torch.addcmul(shift, z[p], scale))
            out[p] = linear(a.flatten(0, -2), weight, bias).view(out[p].shape)
            return moments(out[p], w[p])

        total, spread, mean = join_moments(over_pieces(step, z, bounds))
        ctx.save_for_backward(z, scale, shift, weight, bias, w, out, mean)
        ctx.bounds, ctx.activation = bounds, activation
        return out, total, spread

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out: Tensor, d_total: Tensor, d_spread: Tensor):
        z, scale, shift, weight, bias, w, out, mean = ctx.saved_tensors
        dz = torch.empty_like(z)

        def step(p: slice):
            g = with_moments_grad(d_out[p], d_total, d_spread, out[p], w[p], mean).flatten(0, -2)
            rows = z[p].flatten(0, -2)
            y = torch.addcmul(shift, rows, scale)
            d_a = linear(g, weight.T)
            dy = ctx.activation.backward(d_a, y)
            torch.mul(dy, scale, out=dz[p].flatten(0, -2))
            return (dy * rows).sum(0), dy.sum(0), linear(g.T, ctx.activation.of(y).T), g.sum(0)

        d_scale, d_shift, d_weight, d_bias = sums(over_pieces(step, z, ctx.bounds))
        return dz, d_scale, d_shift, d_weight, None if bias is None else d_bias, None, None, None


class NormaliseAverage(Function):
    """sum_j v_ij relu(scale z_ij + shift), with v = w / sum_j w for the mean over neighbours."""

    @staticmethod
    def forward(ctx, z: Tensor, scale: Tensor, shift: Tensor, v: Tensor, bounds: list[int]):
        def step(p: slice):
            return (torch.addcmul(shift, z[p], scale).relu_().mul_(v[p, :, None]).sum(1),)

        ctx.save_for_backward(z, scale, shift, v)
        ctx.bounds = bounds
        return torch.cat([mean for (mean,) in over_pieces(step, z, bounds)])

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out: Tensor):
        z, scale, shift, v = ctx.saved_tensors
        dz = torch.empty_like(z)

        def step(p: slice):
            dy = relu_backward(d_out[p, None] * v[p, :, None], torch.addcmul(shift, z[p], scale))
            torch.mul(dy, scale, out=dz[p])
            return (dy * z[p]).sum((0, 1)), dy.sum((0, 1))

        return dz, *sums(over_pieces(step, z, ctx.bounds)), None, None


def relu_backward(d_out: Tensor, out: Tensor) -> Tensor:
    """d_out where out > 0, zero elsewhere."""
    return torch.ops.aten.threshold_backward(d_out, out, 0)


def embedding_backward(g: Tensor, index: Tensor) -> Tensor:
    """Rows of g (r, K, C) summed where index (r, K) points -> (r, C): the transpose of F.embedding.

    On a CPU it is several times faster than index_add_, and deterministic everywhere.
    """
    return torch.ops.aten.embedding_dense_backward(g, index, len(g), -1, False)
