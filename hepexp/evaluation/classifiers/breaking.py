"""How far the logits change under small elements of a symmetry group, by themselves and in units of their spread."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hepexp.evaluation.bootstrap import mean_of, with_errors
from hepexp.metric import Metric

BREAKING = (
    Metric(
        "equivariance_penalty",
        "lower",
        "equivariance penalty",
        "Mean squared change of the logits, less their mean over the classes, under small random elements of "
        "loss.equivariance_group, before its weight; in training only where loss.equivariance_penalty > 0.",
        range=">= 0; 0 if invariant",
    ),
    Metric(
        "symmetry/breaking",
        "lower",
        "symmetry breaking",
        "RMS change of the logits under small random elements of loss.equivariance_group, over their spread among the "
        "test examples; in proportion to loss.equivariance_size while that is small.",
        range=">= 0; 0 if invariant, about 1 if the change is as large as the differences between examples",
        undefined="all examples have the same logits",
        each_epoch=False,
    ),
)
PENALTY, RELATIVE = (metric.name for metric in BREAKING)


def breaking(
    logits: np.ndarray, change: np.ndarray, seed: int, weight: np.ndarray | None = None
) -> dict[str, float | str | None]:
    """Both figures with their errors.

    Parameters
    ----------
    logits : (n, C) of the examples; what they have in common changes no probability and is left out.
    change : (n,) mean over classes of the squared change.
    weight : (n,) of the examples, if any; a negative one counts by its size, as in the loss.
    """
    figures = {PENALTY: mean_of(change), RELATIVE: over_spread(logits, change)}
    return with_errors(figures, len(logits), seed, weight=None if weight is None else np.abs(weight))


def over_spread(logits: np.ndarray, change: np.ndarray) -> Callable[[np.ndarray], float]:
    """The RMS change over the standard deviation of logits (n, C), a function of the weights; NaN where that is 0."""
    logits, change = (x.astype(np.float64) for x in (logits, change))
    logits = logits - logits.mean(-1, keepdims=True)

    def ratio(weight: np.ndarray) -> float:
        if weight.sum() <= 0:
            return np.nan
        mean = np.average(logits, axis=0, weights=weight)
        spread = weight @ np.square(logits - mean).mean(1)
        return float(np.sqrt(weight @ change / spread)) if spread > 0 else np.nan

    return ratio
