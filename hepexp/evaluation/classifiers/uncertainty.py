"""The doubt of a classifier: the classes overlap (aleatoric), or the network does not know better (epistemic)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import mean_of, with_errors
from hepexp.evaluation.roc import Roc, area
from hepexp.metric import Metric

ALEATORIC, EPISTEMIC, SPREAD = "aleatoric", "epistemic", "spread"
UNCERTAINTY = (
    Metric(
        "aleatoric",
        "neither",
        "aleatoric",
        "Mean over examples of the expected entropy of the class, in nats: what stays if the network were known.",
        range=">= 0; at most the logarithm of the number of classes",
        each_epoch=False,
    ),
    Metric(
        "epistemic",
        "neither",
        "epistemic",
        "Mean over examples of the mutual information of class and network, in nats: entropy of the mean prediction - "
        "aleatoric (arXiv:1703.02910, equation 1).",
        range=">= 0; at most the logarithm of the number of classes",
        each_epoch=False,
    ),
    Metric(
        "errors_auc",
        "higher",
        "AUC of errors",
        "AUC of aleatoric + epistemic between examples that are classified wrongly and those that are not.",
        range="0 to 1",
        undefined="all examples are classified correctly, or none is",
        each_epoch=False,
    ),
)
Columns = dict[str, NDArray]


def entropy(p: NDArray) -> NDArray[np.float64]:
    """-sum_c p_c ln p_c (...,) in nats, of probabilities (..., C)."""
    p = p.astype(np.float64)
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(-1)


def of_networks(scores: NDArray, aleatoric: NDArray | None = None) -> Columns:
    """Mean prediction of several networks, and its uncertainty.

    The entropy of the mean is the mean entropy (aleatoric) plus the mutual information (epistemic).

    Parameters
    ----------
    scores : (M, n, C) probabilities of M networks.
    aleatoric : (M, n) expected entropy that each of them predicts; None for that of its probabilities.

    Returns
    -------
    `scores` (n, C) mean; `spread` (n, C) standard deviation over the networks, NaN for one; `aleatoric`, `epistemic`
    (n,) in nats.

    References
    ----------
    S. Depeweg et al., arXiv:1710.07283, section 3; N. Houlsby et al., arXiv:1112.5745, equation 2.
    """
    each, kind = scores.astype(np.float64), scores.dtype
    mean = mean_over(each)
    expected = mean_over(entropy(each) if aleatoric is None else aleatoric.astype(np.float64))
    squares = ((each - mean) ** 2).sum(0)
    spread = np.sqrt(squares / (len(each) - 1)) if len(each) > 1 else np.full(mean.shape, np.nan)
    found = {"scores": mean, SPREAD: spread, ALEATORIC: expected, EPISTEMIC: np.maximum(entropy(mean) - expected, 0)}
    return {name: values.astype(kind) for name, values in found.items()}


def mean_over(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis; that of equal values is exact."""
    return values[0] + (values - values[0]).mean(0)


def uncertainty_figures(outputs: Columns, seed: int) -> dict[str, float | str | None]:
    """The figures of predictions with `aleatoric` and `epistemic`, with bootstrap errors; empty without them."""
    if ALEATORIC not in outputs or EPISTEMIC not in outputs:
        return {}
    weight, n = outputs.get("weight"), len(outputs["label"])
    total = outputs[ALEATORIC].astype(np.float64) + outputs[EPISTEMIC]
    curve = Roc(total, outputs["scores"].argmax(1) != outputs["label"])
    of = {name: mean_of(outputs[name]) for name in (ALEATORIC, EPISTEMIC)}
    return with_errors({**of, "errors_auc": lambda w: area(*curve.counts(w))}, n, seed, weight=weight)
