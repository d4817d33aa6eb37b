"""How far a symmetry is broken: by how much its elements change the logits, and which part of them is free of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hepexp.evaluation.bootstrap import mean_of, with_errors
from hepexp.evaluation.classifiers.auc import Auc
from hepexp.evaluation.classifiers.figure_of_merit import ONE_CLASS
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
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
    Metric(
        "symmetry/auc_moved",
        "higher",
        "AUC, moved",
        "AUC of the test examples after random elements of loss.equivariance_group, each by its own, as those of "
        "symmetry/breaking. Images are rotated between pixels, which smooths them.",
        range="0 to 1; 0.5 is chance",
        undefined=ONE_CLASS,
        each_epoch=False,
    ),
)
PENALTY, RELATIVE, MOVED_AUC = (metric.name for metric in BREAKING)
PATHWAYS = (
    Metric(
        "symmetry/free_share",
        "neither",
        "free share",
        "Var w f_B / (Var f_A + Var w f_B) of the logits of the free pathway B and the invariant one A among the test "
        "examples, less their mean over the classes.",
        range="0 to 1; 0 if exactly invariant",
        undefined="all examples have the same logits",
        each_epoch=False,
    ),
    Metric(
        "symmetry/free_weight",
        "neither",
        "weight of the free pathway",
        "The learnt weight w of the free pathway in f_A + w f_B.",
        range="any number; 0 if exactly invariant",
        no_error="a learnt number",
        each_epoch=False,
    ),
)
SHARE, WEIGHT = (metric.name for metric in PATHWAYS)


def breaking(
    logits: np.ndarray, change: np.ndarray, seed: int, weight: np.ndarray | None = None
) -> dict[str, float | str | None]:
    """The first two figures with their errors.

    Parameters
    ----------
    logits : (n, C) of the examples; what they have in common changes no probability and is left out.
    change : (n,) mean over classes of the squared change.
    weight : (n,) of the examples, if any; a negative one counts by its size, as in the loss.
    """
    figures = {PENALTY: mean_of(change), RELATIVE: over_spread(logits, change)}
    return with_errors(figures, len(logits), seed, weight=None if weight is None else np.abs(weight))


def auc_moved(examples: ScoredExamples, n_bootstrap: int, seed: int) -> dict[str, float | str | None]:
    """The AUC of examples that were moved, with its error."""
    found = Judge([Auc()], examples).with_errors(n_bootstrap, seed)
    return {MOVED_AUC + name.removeprefix("auc"): value for name, value in found.items()}


def free_share(
    pathways: np.ndarray, free_weight: np.ndarray, seed: int, weight: np.ndarray | None = None
) -> dict[str, float | str | None]:
    """Share of the free pathway in the variance of the logits, with its error, and its weight.

    Parameters
    ----------
    pathways : (n, 2, C) logits of the invariant and of the free pathway, whose sum is those of the network.
    free_weight : (1,).
    weight : (n,) of the examples, if any; a negative one counts by its size.
    """
    logits = pathways.astype(np.float64)
    logits = logits - logits.mean(-1, keepdims=True)

    def share(weight: np.ndarray) -> float:
        if weight.sum() <= 0:
            return np.nan
        mean = np.average(logits, axis=0, weights=weight)
        invariant, free = weight @ np.square(logits - mean).mean(2)
        return float(free / (invariant + free)) if invariant + free > 0 else np.nan

    of_share = with_errors({SHARE: share}, len(logits), seed, weight=None if weight is None else np.abs(weight))
    return {**of_share, WEIGHT: float(free_weight[0])}


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
