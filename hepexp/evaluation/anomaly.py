"""Anomaly search: how well scores single out the classes that training did not see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hepexp.evaluation.readout import Outputs
from hepexp.evaluation.roc import Roc, area


def is_unseen(outputs: Outputs) -> np.ndarray:
    """(n,) bool, True for the anomalies: examples of a class that no training example has."""
    return ~np.isin(outputs["label"], outputs["reference/label"])


def anomaly_scores(outputs: Outputs, n_pixels: int) -> dict[str, np.ndarray]:
    """Scores (n,), higher for what is thought an anomaly: three of the autoencoder, two trivial ones beside them.

    `error` is the mean square error of reconstruction; `relative` that over the error of the mean image, averaged over
    the channels, as few hard pixels have a larger error than many soft ones of the same sum; `elbo` minus the evidence
    lower bound, with the variance of each channel at its mean over training examples; `occupancy` the number of pixels
    that are not empty; `energy` the sum of an image.

    Parameters
    ----------
    outputs : columns `mse`, `baseline_mse`, `occupancy` and `energy` (n, C), `kl` (n, d), and `reference/mse` of
        training examples.
    n_pixels : of a channel.
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
    """AUC of each score as a function of the examples' weights (n,); none where training saw all classes of the test.

    `anomaly_auc` is that of the error of reconstruction, `anomaly_auc_<score>` those of the others. The unseen classes
    are the signal: 0.5 is chance, less means that they are reconstructed better than what was trained on.
    """
    unseen = is_unseen(outputs)
    if unseen.all() or not unseen.any():
        return {}
    curves = {name: Roc(score, unseen) for name, score in anomaly_scores(outputs, n_pixels).items()}
    keys = {name: f"anomaly_auc_{name}" for name in curves} | {"error": "anomaly_auc"}
    return {keys[name]: lambda weight, curve=curve: area(*curve.counts(weight)) for name, curve in curves.items()}
