"""Batch normalisation over the real entries of a padded batch, on all ranks together."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn

from hepexp.precision import full_precision


class _SumOverRanks(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        # Every rank's loss depends on every rank's summand.
        grad = grad.contiguous().clone()
        dist.all_reduce(grad)
        return grad


def sum_over_ranks(x: Tensor) -> Tensor:
    """x summed over the ranks of a distributed run, differentiable; x itself with one process."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        return _SumOverRanks.apply(x)
    return x


class MaskedBatchNorm(nn.Module):
    """Batch normalisation whose statistics include only the entries selected by a mask.

    With every entry selected it is `nn.BatchNorm1d`: biased variance to normalise, unbiased variance in the running
    estimate, and the same state-dict keys. Statistics are those of all ranks together. Nothing is read back from the
    device. Output rows outside the mask are finite but meaningless.

    Parameters
    ----------
    num_features : channels C, the last axis of the input.
    eps : added to the variance.
    momentum : weight of the newest batch in the running estimates.

    Attributes
    ----------
    entries : number of entries () in the latest batch, infinite before.

    Shapes
    ------
    x (..., C), mask (...) bool, or how often each entry counts, or None for all real -> (..., C), in the dtype of x.

    References
    ----------
    Ioffe and Szegedy, arXiv:1502.03167, algorithm 1.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.entries: Tensor | float = torch.inf  # that the latest batch had, over all ranks
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0, dtype=torch.long))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        wide = torch.promote_types(x.dtype, self.weight.dtype)  # bfloat16 activations are normalised in float32
        with full_precision(x):
            rows = x.reshape(-1, self.num_features).to(wide)
            moments = self._moments(rows, mask) if self.training else None
            scale, shift = self.affine(moments)
            return torch.addcmul(shift.to(wide), rows, scale.to(wide)).to(x.dtype).view(x.shape)

    def affine(self, moments: tuple[Tensor, Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        """Scale and shift (C,), (C,) that normalise: y = scale x + shift.

        Parameters
        ----------
        moments : mean (C,), biased variance (C,) and number of entries (), over all ranks; they enter the running
            estimates. None uses the running estimates themselves, as in evaluation.
        """
        if moments is None:
            mean, var = self.running_mean, self.running_var
        else:
            mean, var, count = moments
            self.entries = count
            self._track(mean.detach(), var.detach() * (count / (count - 1).clamp(min=1)))
        scale = self.weight * torch.rsqrt(var + self.eps)
        return scale, self.bias - mean * scale

    def _moments(self, rows: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, biased variance (both (C,)) and count () of the selected rows; two passes, to avoid cancellation."""
        selected = rows.new_ones(len(rows)) if mask is None else mask.reshape(-1).to(rows.dtype)
        total = sum_over_ranks(torch.cat([selected @ rows, selected.sum()[None]]))
        count = total[-1].detach().clamp(min=1)
        mean = total[:-1] / count
        var = sum_over_ranks(selected @ (rows - mean).square()) / count
        return mean, var, count

    @torch.no_grad()
    def _track(self, mean: Tensor, unbiased_var: Tensor) -> None:
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(unbiased_var.to(self.running_var.dtype), self.momentum)
        self.num_batches_tracked.add_(1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
