"""Sums of pair features over rows, columns and the diagonal, and their way back to the pairs; see `ParticlePairs`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from hepexp.exporting import applied, is_exported
from hepexp.models.layers.cache_blocking import run
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece


class Aggregates(NamedTuple):
    """What a square of features x_ij gives each particle: sum_j x_ij, sum_j x_ji, x_ii; (R, C) each."""

    rows: Tensor
    columns: Tensor
    diagonal: Tensor


def _square(piece: Piece, x: Tensor) -> Tensor:
    """The piece of x (E, C), as (jets, n, n, C)."""
    return x[piece.pairs].view(piece.jets, piece.n, piece.n, x.shape[1])


def _diagonal(square: Tensor) -> Tensor:
    """x_ii of (jets, n, n, C), as (jets, n, C); a view."""
    return square.diagonal(dim1=1, dim2=2).mT


class _Aggregate(Function):
    @staticmethod
    def forward(ctx, x: Tensor, pairs: ParticlePairs) -> tuple[Tensor, Tensor, Tensor]:
        def job(piece: Piece) -> tuple[Tensor, ...]:
            square = _square(piece, x)
            found = square.sum(2), square.sum(1), _diagonal(square)
            return tuple(values.reshape(-1, x.shape[1]) for values in found)

        ctx.pairs, ctx.shape = pairs, x.shape
        rows, columns, diagonal = zip(*(result for _, result in run(job, pairs.pieces)), strict=True)
        return torch.cat(rows), torch.cat(columns), torch.cat(diagonal)

    @staticmethod
    @once_differentiable
    def backward(ctx, rows: Tensor, columns: Tensor, diagonal: Tensor):
        grad = rows.new_empty(ctx.shape)

        def job(piece: Piece) -> None:
            square = _square(piece, grad)
            torch.add(piece.nodes(rows)[:, :, None], piece.nodes(columns)[:, None], out=square)
            _diagonal(square).add_(piece.nodes(diagonal))

        list(run(job, ctx.pairs.pieces))
        return grad, None


def aggregate(x: Tensor, pairs: ParticlePairs) -> Aggregates:
    """The sums over pairs of x (E, C), zero for padding."""
    return Aggregates(*applied(_Aggregate, x, pairs))


def _spread(piece: Piece, x: Tensor, weight: Tensor, rows: Tensor, columns: Tensor, diagonal: Tensor) -> Tensor:
    """What `spread` gives for the pairs of a piece."""
    found = piece.nodes(rows)[:, :, None] + piece.nodes(columns)[:, None]
    found = found + piece.nodes(diagonal).mT.diag_embed(dim1=1, dim2=2)
    if x.shape[1]:  # ONNX has no product of matrices without columns
        direct, transposed = weight.T.chunk(2)
        square = _square(piece, x)
        found = found + square @ direct + square.transpose(1, 2) @ transposed
    return found.flatten(0, 2)


class _Spread(Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, rows: Tensor, columns: Tensor, diagonal: Tensor, pairs: ParticlePairs):
        if is_exported():  # a graph changes nothing in place
            return torch.cat([_spread(piece, x, weight, rows, columns, diagonal) for piece in pairs.pieces])
        y = x.new_empty(x.shape[0], len(weight))
        direct, transposed = weight.T.contiguous().chunk(2)

        def job(piece: Piece) -> None:
            square, at = _square(piece, y), _square(piece, x)
            flat = square.view(-1, square.shape[-1])
            torch.mm(at.flatten(0, 2), direct, out=flat)
            flat.addmm_(at.transpose(1, 2).flatten(0, 2), transposed)
            square.add_(piece.nodes(rows)[:, :, None]).add_(piece.nodes(columns)[:, None])
            _diagonal(square).add_(piece.nodes(diagonal))

        list(run(job, pairs.pieces))
        ctx.pairs = pairs
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        x, weight = ctx.saved_tensors
        grad, x_grad = grad.contiguous(), torch.empty_like(x)
        direct, transposed = weight.chunk(2, dim=1)
        direct, transposed = direct.contiguous(), transposed.contiguous()

        def job(piece: Piece) -> tuple[Tensor, ...]:
            square, at = _square(piece, grad), _square(piece, x)
            flat, turned = square.flatten(0, 2), square.transpose(1, 2).flatten(0, 2)
            torch.mm(flat, direct, out=x_grad[piece.pairs]).addmm_(turned, transposed)
            weight_grad = torch.cat([flat.T @ at.flatten(0, 2), turned.T @ at.flatten(0, 2)], dim=1)
            sums = square.sum(2), square.sum(1), _diagonal(square)
            return weight_grad, *(values.reshape(-1, grad.shape[1]) for values in sums)

        shares, rows, columns, diagonal = zip(*(result for _, result in run(job, ctx.pairs.pieces)), strict=True)
        weight_grad = torch.stack(shares).sum(0)  # in the order of the pieces, whichever thread finished first
        return x_grad, weight_grad, torch.cat(rows), torch.cat(columns), torch.cat(diagonal), None


def spread(x: Tensor, weight: Tensor, to: Aggregates, pairs: ParticlePairs) -> Tensor:
    """y_ij = A x_ij + B x_ji + rows_i + columns_j + delta_ij diagonal_i for all pairs, (E, S).

    Parameters
    ----------
    x : (E, C).
    weight : A and B side by side, (S, 2 C).
    to : what is added to all pairs of a row, of a column, and to the diagonal, (R, S) each.
    """
    return applied(_Spread, x, weight, *to, pairs)
