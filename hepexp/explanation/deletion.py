"""Deletion curves: what becomes of the score as elements are removed in the order of their relevance."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from hepexp.batch import Batch
from hepexp.evaluation.bootstrap import mean_of, with_errors
from hepexp.explanation.removal import without

SHARES = np.linspace(0, 0.9, 10)  # of the elements that are removed; one always stays
RANDOM = 3  # random orders of each example, over which their curve is a mean

Score = Callable[[Batch], Tensor]


def curves(
    score: Score, batch: Batch, real: Tensor, orders: Mapping[str, Tensor], empty: Tensor | float, seed: int
) -> dict[str, np.ndarray]:
    """The score of each example after removal of a growing share of its elements, (B, shares) for each order.

    Parameters
    ----------
    score : of the examples of a batch (B,), for the class that is explained.
    real : (B, N) elements that can be removed.
    orders : by name, (B, N): the largest is removed first. `random` is added.
    seed : of the random orders.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.rand(real.shape, generator=generator) for _ in range(RANDOM)]
    found = {name: _curve(score, batch, real, order, empty) for name, order in orders.items()}
    return found | {"random": np.mean([_curve(score, batch, real, order, empty) for order in drawn], axis=0)}


def _curve(score: Score, batch: Batch, real: Tensor, order: Tensor, empty: Tensor | float) -> np.ndarray:
    order = order.to(torch.float64).masked_fill(~real, -torch.inf)
    rank = order.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    n = real.sum(1, keepdim=True)
    points = []
    for share in SHARES:
        removed = torch.minimum((share * n).round().long(), n - 1)
        points.append(score(without(batch, ~(real & (rank < removed)), empty)))
    return torch.stack(points, 1).double().cpu().numpy()


def areas(found: Mapping[str, np.ndarray], seed: int) -> dict[str, float | str | None]:
    """Areas below mean curves, and by how much that of random order exceeds the others, with bootstrap errors.

    An area is the mean score over shares from 0 to 0.9; the smaller, the more the removed elements mattered. The
    errors are over examples, and those of differences over the differences of each.

    Parameters
    ----------
    found : by order, (n, shares).
    """
    of_each = {name: np.trapezoid(curve, SHARES, axis=1) / SHARES[-1] for name, curve in found.items()}
    figures = {f"area_{name}": mean_of(values) for name, values in of_each.items()}
    for name, values in of_each.items():
        if name != "random":
            figures[f"random_minus_{name}"] = mean_of(of_each["random"] - values)
    return with_errors(figures, len(of_each["random"]), seed)
