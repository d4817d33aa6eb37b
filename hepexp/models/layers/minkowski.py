"""Pairwise invariants of four-momenta under a metric J, and the compressed scale psi on which networks see them."""

from __future__ import annotations

import torch
from torch import Tensor

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
    """sgn(z) ln(1 + |z|): the scale of equation (3.3) of arXiv:2201.08187, linear near 0, otherwise logarithmic."""
    return z.abs().log1p().copysign(z)


def norms_and_dots(x: Tensor, metric: Tensor) -> Tensor:
    """|x_i - x_j|^2 and <x_i, x_j> of all pairs of x (B, n, 4) from the Gram matrix, (2, B, n, n) in the dtype of x.

    For nearly massless particles large numbers cancel in |x_i - x_j|^2 = x_i.x_i + x_j.x_j - 2 x_i.x_j, so x is
    float64.
    """
    gram = x @ metric @ x.mT
    square = gram.diagonal(dim1=-2, dim2=-1)
    return torch.stack([(square[..., :, None] + square[..., None, :]).sub_(gram, alpha=2), gram])


def norms_and_dots_of_differences(x: Tensor, metric: Tensor) -> Tensor:
    """The same with x_i - x_j formed first: how the published code rounds."""
    difference = x[..., :, None, :] - x[..., None, :, :]
    norm = ((difference @ metric) * difference).sum(-1)
    dot = ((x @ metric)[..., :, None, :] * x[..., None, :, :]).sum(-1)
    return torch.stack([norm, dot])


def norms_and_dots_backward(x: Tensor, metric: Tensor, norm_grad: Tensor, dot_grad: Tensor) -> Tensor:
    """The gradient of x (B, n, 4) from those of the norms and the inner products, (B, n, n) each."""
    gram = torch.sub(dot_grad, norm_grad, alpha=2)
    gram.diagonal(dim1=-2, dim2=-1).add_(norm_grad.sum(-1)).add_(norm_grad.sum(-2))
    return (gram @ x + gram.mT @ x) @ metric
