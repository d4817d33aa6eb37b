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


def pair_moments(h: Tensor, s: Tensor, pair: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Moments over the real pairs i != j of a_ij = A h_i + B h_j + C s_ij, where weight = [A | B | C].

    With h and s measured from their means over the pairs, the sum of a a^T over the pairs of one jet of n particles is

        (n-1) sum_i (A h_i h_i^T A^T + B h_i h_i^T B^T) + 2 A (t t^T - sum_i h_i h_i^T) B^T
        + 2 sum_i (A + B) h_i (sum_j s_ij)^T C^T + C (sum_ij s_ij s_ij^T) C^T,      t = sum_i h_i,

    (the diagonal is what is wanted) so nothing of size N^2 H is formed. Differentiable; sums run over all ranks.

    Parameters
    ----------
    h : (B, N, H).
    s : (2, B, N, N), symmetric in the last two.
    pair : (B, N, N), 1 for two different real particles, else 0.
    weight : (K, 2 H + 2).

    Returns
    -------
    mean (K,), biased variance (K,), number of pairs (); float64 where the device has it, for the sums cancel.
    """
    wide = torch.float32 if h.device.type == "mps" else torch.float64
    s_rows, s_square = _SumsOverPairs.apply(s, pair, wide)
    h, weight = h.to(wide), weight.to(wide)
    width = h.shape[-1]
    degree = pair.sum(-1, keepdim=True, dtype=wide)
    totals = sum_over_ranks(torch.cat([(h * degree).sum((0, 1)), s_rows.sum((1, 2)), degree.sum()[None]]))
    count = totals[-1].detach().clamp(min=1)
    h_mean, s_mean = (totals[:-1] / count).split([width, 2])

    h = (h - h_mean) * (degree > 0)
    rows = h.view(-1, width)
    t = h.sum(1)
    sums = [
        rows.T @ (h * degree).view(-1, width),
        t.T @ t - rows.T @ rows,
        rows.T @ (s_rows - s_mean[:, None, None] * degree.squeeze(-1)).view(2, -1).T,
        s_square,
    ]
    flat = sum_over_ranks(torch.cat([x.reshape(-1) for x in sums])) / count
    own, cross, mixed, edge = (
        part.view_as(x) for part, x in zip(flat.split([x.numel() for x in sums]), sums, strict=True)
    )

    edge = edge - torch.outer(s_mean, s_mean)
    a, b, c = weight.split([width, width, 2], dim=1)
    both = a + b
    mean = both @ h_mean + c @ s_mean
    var = ((a @ own + 2 * b @ cross) * a + (b @ own) * b).sum(1) + ((2 * both @ mixed + c @ edge) * c).sum(1)
    return mean, var.clamp(min=0), count
