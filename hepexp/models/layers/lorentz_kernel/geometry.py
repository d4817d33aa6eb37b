"""The invariants that the edges of a block take from the coordinates, and the update that they return."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from hepexp.exporting import applied
from hepexp.models.layers.cache_blocking import run
from hepexp.models.layers.lorentz_block import psi
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece
from hepexp.precision import widest


def norms_and_dots(x: Tensor, metric: Tensor) -> Tensor:
    """|x_i - x_j|^2 and <x_i, x_j> of all pairs of x (B, n, 4) from the Gram matrices, (2 K, B, n, n) in its dtype.

    Those of all metrics J (K, 4, 4) come first, then their inner products.

    For nearly massless particles large numbers cancel in |x_i - x_j|^2 = x_i.x_i + x_j.x_j - 2 x_i.x_j, so x is
    float64.
    """
    gram = torch.stack([x @ j @ x.mT for j in metric])
    square = gram.diagonal(dim1=-2, dim2=-1)
    return torch.cat([(square[..., :, None] + square[..., None, :]).sub_(gram, alpha=2), gram])


def norms_and_dots_of_differences(x: Tensor, metric: Tensor) -> Tensor:
    """The same with x_i - x_j formed first: how the published code rounds."""
    difference = x[..., :, None, :] - x[..., None, :, :]
    norms = [((difference @ j) * difference).sum(-1) for j in metric]
    dots = [((x @ j)[..., :, None, :] * x[..., None, :, :]).sum(-1) for j in metric]
    return torch.stack(norms + dots)


def norms_and_dots_backward(x: Tensor, metric: Tensor, grad: Tensor) -> Tensor:
    """The gradient of x (B, n, 4) from that of the norms and the inner products (2 K, B, n, n)."""
    norm_grad, dot_grad = grad.chunk(2)
    gram = torch.sub(dot_grad, norm_grad, alpha=2)
    gram.diagonal(dim1=-2, dim2=-1).add_(norm_grad.sum(-1)).add_(norm_grad.sum(-2))
    return torch.stack([(g @ x + g.mT @ x) @ j for g, j in zip(gram, metric, strict=True)]).sum(0)


class Invariants(NamedTuple):
    """s (S, E), psi of the norm and of the inner product of each pair, S = 2 for each metric, and its sums over real
    pairs, in float64: rows (R, S) over the neighbours of each particle, square (S, S) of s s^T over all."""

    s: Tensor
    rows: Tensor
    square: Tensor


class _Invariants(Function):
    @staticmethod
    def forward(ctx, x: Tensor, metric: Tensor, dtype: torch.dtype, published: bool, pairs: ParticlePairs):
        wide = torch.promote_types(x.dtype, widest(x))
        values = norms_and_dots_of_differences if published else norms_and_dots

        def job(piece: Piece):
            s = psi(values(piece.nodes(x), metric).to(dtype))
            real = s.to(wide) * piece.square(pairs.pair_mask)
            flat = real.flatten(1)
            return s.flatten(1), real.sum(-1).flatten(1).T, flat @ flat.T

        results = [result for _, result in run(job, pairs.pieces)]
        parts, rows, squares = zip(*results, strict=True)
        s = torch.cat(parts, dim=1)
        ctx.pairs = pairs
        ctx.save_for_backward(x, metric, s)
        ctx.set_materialize_grads(False)
        return s, torch.cat(rows), torch.stack(squares).sum(0)

    @staticmethod
    @once_differentiable
    def backward(ctx, s_grad: Tensor | None, rows_grad: Tensor | None, square_grad: Tensor | None):
        x, metric, all_s = ctx.saved_tensors
        mix = None if square_grad is None else (square_grad + square_grad.T).to(all_s.dtype)

        def job(piece: Piece) -> Tensor:
            s, pair = piece.square(all_s), piece.square(ctx.pairs.pair_mask)
            grad = torch.zeros_like(s)
            if mix is not None:
                for one, row in zip(s, mix, strict=True):
                    grad.addcmul_(one, row.view(-1, 1, 1, 1))
            if rows_grad is not None:
                grad.add_(piece.nodes(rows_grad).to(s.dtype).movedim(-1, 0)[..., None])
            grad.mul_(pair)
            if s_grad is not None:
                grad.add_(piece.square(s_grad))
            # dpsi/dz = 1 / (1 + |z|) = exp(-|psi|)
            grad = grad.mul_(s.abs().neg_().exp_()).to(x.dtype)
            return norms_and_dots_backward(piece.nodes(x), metric, grad).flatten(0, 1)

        return torch.cat([grad for _, grad in run(job, ctx.pairs.pieces)]), None, None, None, None


def invariants(x: Tensor, metric: Tensor, dtype: torch.dtype, published: bool, pairs: ParticlePairs) -> Invariants:
    """psi(|x_i - x_j|^2) and psi(<x_i, x_j>) of all pairs.

    Parameters
    ----------
    x : (R, 4) in GeV.
    metric : J (K, 4, 4), each symmetric, in the dtype of x.
    dtype : of s; psi is applied after rounding to it.
    published : round as the published code does.
    """
    return Invariants(*applied(_Invariants, x, metric, dtype, published, pairs))


class _Push(Function):
    @staticmethod
    def forward(ctx, x: Tensor, coef: Tensor, pairs: ParticlePairs) -> Tensor:
        def job(piece: Piece) -> Tensor:
            at, k = piece.nodes(x), piece.square(coef).to(x.dtype)
            return (at * k.sum(-1, keepdim=True) - k @ at).flatten(0, 1)

        ctx.pairs = pairs
        ctx.save_for_backward(x, coef)
        return torch.cat([push for _, push in run(job, pairs.pieces)])

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        x, coef = ctx.saved_tensors

        def job(piece: Piece) -> tuple[Tensor, Tensor]:
            at, k, g = piece.nodes(x), piece.square(coef).to(x.dtype), piece.nodes(grad)
            coef_grad = (g * at).sum(-1, keepdim=True) - g @ at.mT
            return (g * k.sum(-1, keepdim=True) - k.mT @ g).flatten(0, 1), coef_grad.to(coef.dtype).view(-1)

        x_grad, coef_grad = zip(*(result for _, result in run(job, ctx.pairs.pieces)), strict=True)
        return torch.cat(x_grad), torch.cat(coef_grad), None


def push(x: Tensor, coef: Tensor, pairs: ParticlePairs) -> Tensor:
    """sum_j (x_i - x_j) coef_ij = x_i sum_j coef_ij - sum_j coef_ij x_j; x (R, 4), coef (E,) -> (R, 4)."""
    return applied(_Push, x, coef, pairs)


def clamped_push(x: Tensor, coef: Tensor, pairs: ParticlePairs, limit: float) -> Tensor:
    """The same with each component of each (x_i - x_j) coef_ij clamped to +-limit."""
    pieces = [(piece.nodes(x), piece.square(coef)) for piece in pairs.pieces]
    steps = [((at[:, :, None] - at[:, None]) * k[..., None]).clamp(-limit, limit) for at, k in pieces]
    return torch.cat([step.sum(2).flatten(0, 1) for step in steps])
