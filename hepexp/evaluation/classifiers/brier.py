"""The Brier score of predicted probabilities, and what it consists of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError
from hepexp.evaluation.bootstrap import mean_of
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.metric import Metric


class BrierDecomposition(FigureOfMerit):
    """Brier score = reliability - resolution + uncertainty, exactly, each summed over the classes.

    For each class the probabilities p_i are divided into bins; o_i is 1 for examples of the class, else 0. With the
    means p_k and o_k in bin k, which has a fraction w_k of the examples, and the mean o of all:

    - reliability: sum_k w_k (p_k - o_k)^2;
    - resolution: sum_k w_k (o_k - o)^2, minus the variance of p within the bins, plus twice its covariance with o
      there, without which the identity would only hold for probabilities that are equal within each bin;
    - uncertainty: o (1 - o), which no prediction changes.

    Parameters
    ----------
    bins : number of intervals of equal width into which the probability of each class is divided.

    References
    ----------
    A. H. Murphy, J. Appl. Meteor. 12 (1973) 595; D. B. Stephenson, C. A. S. Coelho and I. T. Jolliffe, Weather and
    Forecasting 23 (2008) 752 (the two terms within bins).
    """

    metrics = (
        Metric(
            "brier_score",
            "lower",
            "Brier score",
            "Mean over examples of the sum over classes of (probability - truth)^2.",
            range="0 to 2",
        ),
        Metric(
            "brier_reliability",
            "lower",
            "Brier reliability",
            "Mean over bins of the probability of (mean probability - frequency)^2, summed over classes; 0 if "
            "calibrated.",
            range="0 to 2",
            each_epoch=False,
        ),
        Metric(
            "brier_resolution",
            "higher",
            "Brier resolution",
            "How far frequencies in bins of the probability differ from those of all examples, with the terms within "
            "bins of Stephenson et al. (2008), summed over classes.",
            range="any number; at most brier_uncertainty for calibrated predictions",
            each_epoch=False,
        ),
        Metric(
            "brier_uncertainty",
            "neither",
            "Brier uncertainty",
            "Brier score of predicting the frequencies of the classes.",
            range="0 to 1",
            each_epoch=False,
        ),
    )

    def __init__(self, bins: int = 15) -> None:
        if bins < 1:
            raise ConfigError(f"bins of the Brier score must be >= 1, got {bins}")
        self.bins = bins

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        p = examples.scores.astype(np.float64)
        o = np.eye(examples.n_classes)[examples.label]
        place = np.clip((p * self.bins).astype(np.int64), 0, self.bins - 1)

        def parts(weight: NDArray) -> NDArray:
            if weight.sum() <= 0:
                return np.full(3, np.nan)
            each = (self._parts(p[:, c], o[:, c], place[:, c], weight) for c in range(examples.n_classes))
            return sum(each, np.zeros(3))

        return {
            "brier_score": mean_of(((p - o) ** 2).sum(1)),
            "brier_reliability": lambda weight: float(parts(weight)[0]),
            "brier_resolution": lambda weight: float(parts(weight)[1]),
            "brier_uncertainty": lambda weight: float(parts(weight)[2]),
        }

    def _parts(self, p: NDArray, o: NDArray, place: NDArray, weight: NDArray) -> NDArray:
        """Reliability, resolution and uncertainty (3,) of one class."""
        w = weight / weight.sum()
        in_bin = np.bincount(place, w, self.bins)
        means = [np.bincount(place, w * x, self.bins) for x in (p, o)]
        p_k, o_k = (np.divide(x, in_bin, out=np.zeros(self.bins), where=in_bin != 0) for x in means)
        o_all = w @ o
        within = w @ (p - p_k[place]) ** 2 - 2 * w @ ((o - o_k[place]) * (p - p_k[place]))
        return np.array([in_bin @ (p_k - o_k) ** 2, in_bin @ (o_k - o_all) ** 2 - within, o_all * (1 - o_all)])
