"""The last linear layer of a network with the Laplace approximation of its posterior."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.models.layers.variational import Drawn


class GaussianHead(Drawn):
    """A linear layer whose weights and biases are jointly normal, around those that were trained.

    Parameters
    ----------
    layer : the trained layer, D inputs and C outputs.
    precision : (P, P) of the posterior, P = C (D + 1), in the order of `flat`.

    Raises
    ------
    ConfigError : a precision that is not positive definite.
    """

    root: Tensor

    def __init__(self, layer: nn.Linear, precision: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        lower, failed = torch.linalg.cholesky_ex(precision)
        if failed:
            raise ConfigError("--laplace: the curvature of the loss is not positive definite; are weights negative?")
        identity = torch.eye(len(precision), dtype=precision.dtype)
        # w = mean + L^-T z has the covariance (L L^T)^-1
        self.register_buffer("root", torch.linalg.solve_triangular(lower, identity, upper=False).T, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.draw is None:
            return F.linear(x, self.weight, self.bias)
        moved = flat(self) + self.root @ self.noise(self.draw, (len(self.root),)).to(self.root)
        both = moved.view(len(self.weight), -1).to(self.weight)
        return F.linear(x, both[:, :-1], both[:, -1])


def flat(layer: nn.Linear | GaussianHead) -> Tensor:
    """Weights and bias (P,) in float64: of each output those of the D inputs, then its bias."""
    bias = torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias
    return torch.cat([layer.weight, bias.to(layer.weight)[:, None]], dim=1).detach().double().flatten()


def curvature(inputs: Tensor, hessian: Tensor) -> Tensor:
    """Generalised Gauss-Newton matrix (P, P) of a linear layer: the sum over examples of hessian x (inputs, 1)^2.

    Parameters
    ----------
    inputs : (B, D) of the layer.
    hessian : (B, C, C) of the loss of each example in the outputs of the layer.
    """
    x = torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1).double()
    size = x.shape[1] * hessian.shape[1]
    return torch.einsum("bcd,bi,bj->cidj", hessian.double(), x, x).reshape(size, size)


def softmax_hessian(logits: Tensor) -> Tensor:
    """Of the cross entropy in the logits (B, C): diag(p) - p p^T (B, C, C)."""
    p = logits.double().softmax(-1)
    return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]


def prior_precision(matrix: Tensor, weights: Tensor) -> float:
    """The precision lambda of the prior N(0, 1 / lambda) that makes the data most probable.

    Maximises P ln lambda - lambda |w|^2 - ln det(H + lambda), twice the logarithm of the evidence up to a constant, by
    its fixed point lambda = gamma / |w|^2, gamma = sum_i e_i / (e_i + lambda) over the eigenvalues of H.

    References
    ----------
    D. J. C. MacKay, Neural Computation 4 (1992) 415, equation 3.11; E. Daxberger et al., arXiv:2106.14806, section 3.
    """
    eigenvalues = torch.linalg.eigvalsh(matrix).clamp(min=0)
    square, value = float((weights**2).sum()), 1.0
    for _ in range(200):
        value = float((eigenvalues / (eigenvalues + value)).sum()) / max(square, 1e-12)
        value = min(max(value, 1e-6), 1e6)
    return value
