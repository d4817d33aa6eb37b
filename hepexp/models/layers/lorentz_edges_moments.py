"""Mean and variance of phi_e's first layer over all pairs, from sums over particles."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hepexp.models.layers.masked_batch_norm import sum_over_ranks


class _SumsOverPairs(torch.autograd.Function):
    """sum_j s_ij (2, B, N) and sum_bij s_ij s_ij^T (2, 2) over the real pairs, in the dtype asked for."""

    @staticmethod
    def forward(ctx, s: Tensor, pair: Tensor, wide: torch.dtype):
        ctx.save_for_backward(s, pair)
        real = (s * pair).to(wide)
        flat = real.view(2, -1)
        return real.sum(-1), flat @ flat.T

    @staticmethod
    @once_differentiable
    def backward(ctx, row_grad: Tensor, square_grad: Tensor):
        s, pair = ctx.saved_tensors
        mix = (square_grad + square_grad.T).to(s.dtype)
        grad = s[:1] * mix[0].view(2, 1, 1, 1)
        grad.addcmul_(s[1:], mix[1].view(2, 1, 1, 1)).add_(row_grad.to(s.dtype)[..., None])
        return grad.mul_(pair), None, None


def pair_moments(a: Tensor, b: Tensor, c: Tensor, s: Tensor, pair: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Moments over the real pairs i != j of z_ij = a_i + b_j + c s_ij, without forming it.

    With a, b and s measured from their means over the pairs, the sum of z^2 over the pairs of one jet of n particles is

        (n-1) sum_i (a_i^2 + b_i^2) + 2 (sum_i a_i)(sum_i b_i) - 2 sum_i a_i b_i
        + 2 sum_i (a_i + b_i) c sum_j s_ij + sum_ij (c s_ij)^2.

    Differentiable; the sums run over all ranks, and over jets in float64 where the device has it.

    Parameters
    ----------
    a, b : (B, N, K).
    c : (K, 2).
    s : (2, B, N, N), symmetric in the last two.
    pair : (B, N, N), 1 for two different real particles, else 0.

    Returns
    -------
    mean (K,), biased variance (K,), number of pairs ().
    """
    wide = torch.float32 if a.device.type == "mps" else torch.float64
    width, degree, narrow = a.shape[-1], pair.sum(-1, keepdim=True), a.dtype
    s_rows, s_square = _SumsOverPairs.apply(s, pair, wide)
    local = [(a * degree).sum(1), (b * degree).sum(1), s_rows.sum(2).T, degree.sum(1)]
    totals = sum_over_ranks(torch.cat([x.to(wide).sum(0) for x in local]))
    count = totals[-1].detach().clamp(min=1)
    a_mean, b_mean, s_mean = (totals[:-1] / count).split([width, width, 2])

    real = (degree > 0).to(narrow)
    a, b = (a - a_mean.to(narrow)) * real, (b - b_mean.to(narrow)) * real
    s_rows = s_rows.movedim(0, -1) - degree * s_mean
    edge = s_rows.to(narrow) @ c.T
    both = a + b
    # (n-1) (a^2 + b^2) - 2 a b = n (a^2 + b^2) - (a + b)^2
    own = (degree + 1) * (a.square() + b.square()) + both * (2 * edge - both)
    jets = own.sum(1) + 2 * a.sum(1) * b.sum(1)
    sums = sum_over_ranks(torch.cat([jets.to(wide).sum(0), s_square.reshape(-1)])) / count
    s_var = sums[width:].view(2, 2) - torch.outer(s_mean, s_mean)
    c = c.to(wide)
    mean = a_mean + b_mean + c @ s_mean
    return mean, (sums[:width] + ((c @ s_var) * c).sum(1)).clamp(min=0), count
