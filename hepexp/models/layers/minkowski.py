"""Pairwise invariants of four-momenta under a metric J, and the compressed scale psi on which networks read them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hepexp.errors import ConfigError

MINKOWSKI = (1.0, -1.0, -1.0, -1.0)
EUCLIDEAN = (1.0, 1.0, 1.0, 1.0)


def metric_tensor(metric: str | list[list[float]]) -> Tensor:
    """The 4x4 metric J, float64, of the name `minkowski` (+,-,-,-) or `euclidean`, or given by its rows.

    Raises
    ------
    ConfigError : another name, or rows that are not a symmetric 4x4 matrix of finite numbers.
    """
    if metric == "minkowski":
        return torch.tensor(MINKOWSKI, dtype=torch.float64).diag()
    if metric == "euclidean":
        return torch.tensor(EUCLIDEAN, dtype=torch.float64).diag()
    wanted = "minkowski, euclidean or a symmetric 4x4 list of numbers"
    try:
        j = torch.tensor([list(row) for row in metric], dtype=torch.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"model.metric must be {wanted}, got {metric!r}") from None
    if j.shape != (4, 4) or not j.isfinite().all() or not torch.equal(j, j.T):
        raise ConfigError(f"model.metric must be {wanted}, got {metric!r}")
    return j


def psi(z: Tensor) -> Tensor:
    """sgn(z) ln(1 + |z|): the scale of equation (3.3) of arXiv:2201.08187, linear near 0, else logarithmic."""
    return z.abs().log1p().copysign(z)


class _Invariants(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, metric: Tensor, dtype: torch.dtype) -> Tensor:
        gram = x @ metric @ x.mT
        square = gram.diagonal(dim1=-2, dim2=-1)
        out = gram.new_empty((2, *gram.shape), dtype=dtype)
        # |x_i - x_j|^2 = x_i.x_i + x_j.x_j - 2 x_i.x_j cancels: it is done in the dtype of x, then rounded.
        out[0] = (square[..., :, None] + square[..., None, :]).sub_(gram, alpha=2)
        out[1] = gram
        out = psi(out)
        ctx.save_for_backward(x, metric, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        x, metric, out = ctx.saved_tensors
        # dpsi/dz = 1 / (1 + |z|) = exp(-|psi|)
        norm, dot = (grad * out.abs().neg_().exp_()).to(x.dtype)
        gram = torch.sub(dot, norm, alpha=2)
        gram.diagonal(dim1=-2, dim2=-1).add_(norm.sum(-1)).add_(norm.sum(-2))
        return (gram @ x + gram.mT @ x) @ metric, None, None


def invariants(x: Tensor, metric: Tensor, dtype: torch.dtype) -> Tensor:
    """psi(|x_i - x_j|^2) and psi(<x_i, x_j>) of all pairs, from the Gram matrix.

    Nearly massless particles make large numbers cancel: give x in float64.

    Parameters
    ----------
    x : (B, N, 4) in GeV.
    metric : J (4, 4), symmetric, in the dtype of x.
    dtype : of the result; psi is applied after rounding to it.

    Returns
    -------
    (2, B, N, N): the norms, then the inner products.
    """
    return _Invariants.apply(x, metric, dtype)


def invariants_of_differences(x: Tensor, metric: Tensor, dtype: torch.dtype) -> Tensor:
    """The same from x_i - x_j, formed first and in the dtype of x: how the published code rounds."""
    difference = x[..., :, None, :] - x[..., None, :, :]
    norm = ((difference @ metric) * difference).sum(-1)
    dot = ((x @ metric)[..., :, None, :] * x[..., None, :, :]).sum(-1)
    return psi(torch.stack([norm, dot]).to(dtype))
