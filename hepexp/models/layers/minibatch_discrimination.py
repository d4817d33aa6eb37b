"""Minibatch discrimination: how near each example of a batch is to the others, by which a critic sees a collapse."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MinibatchDiscrimination(nn.Module):
    """o_f(i) = sum over j of exp(-|M_f(i) - M_f(j)|_1), with M = T x(i), all M of a batch in one matrix product.

    Its outputs depend on the whole batch. There is no bias, as it would cancel.

    Parameters
    ----------
    n_in : inputs of an example.
    n_features : outputs f.
    n_dimensions : of each M_f.

    Shapes
    ------
    (B, n_in) -> (B, n_features), from 1, for the example itself, to B.

    References
    ----------
    T. Salimans et al., arXiv:1606.03498, section 3.2.
    """

    def __init__(self, n_in: int, n_features: int = 10, n_dimensions: int = 10):
        super().__init__()
        self.n_features = n_features
        self.projection = nn.Linear(n_in, n_features * n_dimensions, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        m = self.projection(x).unflatten(1, (self.n_features, -1)).transpose(0, 1)  # (f, B, dimensions)
        return torch.exp(-torch.cdist(m, m, p=1)).sum(2).T
