"""Metrics J of n dimensions, by name or by their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import torch
from torch import Tensor

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

NAMES = ("minkowski", "euclidean")
Rows = list[list[float]]


def metric_matrices(metric: str | Rows | list[Rows], n: int = 4) -> Tensor:
    """The metric J of `metric_matrix`, or several of them, each by its rows: (K, n, n), float64.

    Raises
    ------
    ConfigError : another name, rows that are not symmetric n x n matrices, or matrices of which one is a combination of
        others, whose invariants would say nothing new.
    """
    if not _are_several(metric):
        return metric_matrix(metric, n)[None]
    matrices = torch.stack([metric_matrix(rows, n) for rows in metric])
    if torch.linalg.matrix_rank(matrices.flatten(1)) < len(matrices):
        raise ConfigError(f"model.metric: several matrices must be linearly independent, got {metric!r}")
    return matrices


def metric_matrix(metric: Any, n: int = 4) -> Tensor:
    """The n x n metric J, float64, of the name `minkowski` (+,-,...,-) or `euclidean`, or given by its rows.

    Raises
    ------
    ConfigError : another name, rows that are not a symmetric n x n matrix of finite numbers, or several metrics.
    """
    if metric == "euclidean":
        return torch.eye(n, dtype=torch.float64)
    if metric == "minkowski":
        return torch.tensor([1.0] + [-1.0] * (n - 1), dtype=torch.float64).diag()
    if _are_several(metric):
        raise ConfigError(f"model.metric: expected one {n}x{n} metric, got a list of {len(metric)}")
    close = did_you_mean(metric, NAMES) if isinstance(metric, str) else ""
    wrong = ConfigError(
        f"model.metric must be {', '.join(NAMES)}, a symmetric {n}x{n} list of numbers, or a run that found such a "
        f"metric (its folder, its MLflow id, or latest), got {metric!r}{close}"
    )
    try:
        j = torch.tensor([list(row) for row in metric], dtype=torch.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last two of integers that no float can hold
        raise wrong from None
    if j.shape != (n, n) or not j.isfinite().all() or not torch.equal(j, j.T):
        raise wrong
    return j


def _are_several(metric: str | Rows | list[Rows]) -> TypeGuard[list[Rows]]:
    """Whether these are several matrices, and not the rows of one."""
    return _is_list(metric) and all(_is_list(rows) and _is_list(rows[0]) for rows in metric)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether it is a list with something in it."""
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
