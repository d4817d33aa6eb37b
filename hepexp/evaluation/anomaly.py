"""Anomaly search: how well scores single out classes that were absent from training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.evaluation.roc import Roc, area


def is_unseen(outputs: Outputs) -> np.ndarray:
    """(n,) bool, True for the anomalies: examples of a class without training examples."""
    return ~np.isin(outputs["label"], outputs["reference/label"])


def anomaly_scores(outputs: Outputs, n_pixels: int) -> dict[str, np.ndarray]:
    """Scores (n,), higher for more anomalous examples: three of the autoencoder, two trivial ones to compare with.

    `error` is the mean squared reconstruction error; `relative` is its ratio to the error of the mean image, averaged
    over the channels, since a few hard pixels have a larger error than many soft ones with the same sum; `elbo` is
    minus the evidence lower bound, with the variance of each channel at its mean over training examples; `occupancy`
    the number of pixels that are not empty; `energy` the sum of an image.

    Parameters
    ----------
    outputs : columns `mse`, `baseline_mse`, `occupancy` and `energy` (n, C), `kl` (n, d), and `reference/mse` of
        training examples.
    n_pixels : number of pixels in a channel.
    """
    mse = outputs["mse"].astype(np.float64)
    baseline, variance = outputs["baseline_mse"], outputs["reference/mse"].mean(0, dtype=np.float64)
    return {
        "error": mse.mean(1),
        "relative": (mse / np.where(baseline > 0, baseline, 1)).mean(1),
        "elbo": n_pixels / 2 * (mse / np.where(variance > 0, variance, 1)).sum(1) + outputs["kl"].sum(1),
        "occupancy": outputs["occupancy"].sum(1),
        "energy": outputs["energy"].sum(1, dtype=np.float64),
    }


def anomaly_figures(outputs: Outputs, n_pixels: int) -> dict[str, Callable[[np.ndarray], float]]:
    """AUC of each score as a function of the examples' weights (n,); none if every class of the test was in training.

    `anomaly_auc` is that of the reconstruction error, `anomaly_auc_<score>` those of the others. The unseen classes are
    the signal: 0.5 is chance, and less means that they are reconstructed better than the training classes.
    """
    return anomaly_aucs(outputs, anomaly_scores(outputs, n_pixels))


def anomaly_aucs(outputs: Outputs, scores: dict[str, np.ndarray]) -> dict[str, Callable[[np.ndarray], float]]:
    """AUC of each score (n,) as a function of the examples' weights; of the first `anomaly_auc`, the others by name."""
    unseen = is_unseen(outputs)
    if unseen.all() or not unseen.any():
        return {}
    keys = dict.fromkeys(scores, "anomaly_auc") | {name: f"anomaly_auc_{name}" for name in list(scores)[1:]}
    curves = {name: Roc(score, unseen) for name, score in scores.items()}
    return {keys[name]: _area(curve) for name, curve in curves.items()}


def _area(curve: Roc) -> Callable[[np.ndarray], float]:
    return lambda weight: area(*curve.counts(weight))
