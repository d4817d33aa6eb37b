"""A metric J of n dimensions, by name or by its rows."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

NAMES = ("minkowski", "euclidean")


def metric_matrix(metric: str | list[list[float]], n: int = 4) -> Tensor:
    """The n x n metric J, float64, of the name `minkowski` (+,-,...,-) or `euclidean`, or given by its rows.

    Raises
    ------
    ConfigError : another name, or rows that are not a symmetric n x n matrix of finite numbers.
    """
    if metric == "euclidean":
        return torch.eye(n, dtype=torch.float64)
    if metric == "minkowski":
        return torch.tensor([1.0] + [-1.0] * (n - 1), dtype=torch.float64).diag()
    close = did_you_mean(metric, NAMES) if isinstance(metric, str) else ""
    wrong = ConfigError(
        f"model.metric must be {', '.join(NAMES)}, a symmetric {n}x{n} list of numbers, or a run that found such a "
        f"metric (its folder, its MLflow id, or latest), got {metric!r}{close}"
    )
    try:
        j = torch.tensor([list(row) for row in metric], dtype=torch.float64)
    except (TypeError, ValueError):
        raise wrong from None
    if j.shape != (n, n) or not j.isfinite().all() or not torch.equal(j, j.T):
        raise wrong
    return j
