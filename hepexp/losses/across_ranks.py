"""Rows of all ranks of a distributed training, with their gradients."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows: Tensor) -> Tensor:
        ctx.n = len(rows)
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        # the loss of every rank depends on the rows of this one
        grad = grad.contiguous().clone()
        dist.all_reduce(grad)
        return grad[dist.get_rank() * ctx.n :][: ctx.n]


def of_all_ranks(rows: Tensor) -> Tensor:
    """The rows (B, ...) of all ranks, one after the other (W B, ...), differentiable; `rows` itself with one process.

    The gradient of a row is the sum over the losses of all W ranks. Where each rank computes the same loss from all
    rows, that is W times the gradient, and the mean over ranks that a distributed training takes is right.

    Parameters
    ----------
    rows : as many on each rank.
    """
    return _Gather.apply(rows) if _has_other_ranks() else rows


@torch.no_grad()
def batch_of_all_ranks(rows: Tensor) -> Tensor:
    """The rows (B, ...) of a batch of which each of W ranks has every W-th; `rows` itself with one process.

    Parameters
    ----------
    rows : this rank's; the first ranks may have one more than others.
    """
    if not _has_other_ranks():
        return rows
    n, world_size = torch.tensor(len(rows), device=rows.device), dist.get_world_size()
    dist.all_reduce(n)
    padding = rows.new_zeros(-(-int(n) // world_size) - len(rows), *rows.shape[1:])
    padded = torch.cat([rows, padding])
    parts = [torch.empty_like(padded) for _ in range(world_size)]
    dist.all_gather(parts, padded)
    return torch.stack(parts, dim=1).flatten(0, 1)[: int(n)]


def _has_other_ranks() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
