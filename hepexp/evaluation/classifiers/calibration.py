"""Calibration: whether examples with a probability p of their class are of that class in a fraction p of cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.metric import Metric


class CalibrationError(FigureOfMerit):
    """Expected calibration error of the most probable class, and the reliability diagram.

    Parameters
    ----------
    bins : number of intervals of equal width into which the probability, from 0 to 1, is divided.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", arXiv:1706.04599, eq. 3.
    """

    metrics = (
        Metric(
            "calibration_error",
            "lower",
            "calibration error",
            "Expected calibration error: the mean over bins of the predicted class's probability (15 by default) of "
            "|accuracy - mean probability|, weighted by the examples in the bin (arXiv:1706.04599, equation 3).",
            range="0 to 1",
        ),
        Metric(
            "calibration_error_null",
            "neither",
            "calibration error if calibrated",
            "Expected calibration error that calibrated predictions would have with this number of examples: labels "
            "are drawn from the predicted probabilities; the p-value of the observed one is in a note.",
            range="0 to 1",
            error="standard deviation over such draws",
            each_epoch=False,
        ),
    )

    def __init__(self, bins: int = 15) -> None:
        if bins < 1:
            raise ConfigError(f"bins of the calibration error must be >= 1, got {bins}")
        self.bins = bins

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        place, probability, right = self._binned(examples)
        return {"calibration_error": lambda weight: self._error(place, right - probability, weight)}

    def simulated(self, examples: ScoredExamples, n_draws: int, seed: int) -> dict[str, float | str | None]:
        """The error of calibrated predictions of the same probabilities: at finite n it is above 0.

        J. Broecker, L. A. Smith, Weather and Forecasting 22 (2007) 651 (consistency resampling).
        """
        place, probability, right = self._binned(examples)
        rng, weight = np.random.default_rng(seed), examples.weights
        draws = [
            self._error(place, (rng.random(len(probability)) < probability) - probability, weight)
            for _ in range(n_draws)
        ]
        observed = self._error(place, right - probability, weight)
        if not np.isfinite(observed):
            return {}
        exceeding = 1 + sum(draw >= observed for draw in draws)
        name, p = self.metrics[1].name, f"{exceeding / (n_draws + 1):.2g}"
        more = "<= " if exceeding == 1 else "= "
        return {
            name: float(np.mean(draws)),
            f"{name}_err": float(np.std(draws, ddof=1)),
            f"{name}_note": f"p {more}{p} for the observed calibration error, if the predictions are calibrated",
        }

    def _error(self, place: NDArray, excess: NDArray, weight: NDArray) -> float:
        total = weight.sum()
        gaps = np.bincount(place, weight * excess, self.bins)
        return float(np.abs(gaps).sum() / total) if total > 0 else float("nan")

    def draw(self, examples: ScoredExamples, folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        place, probability, right = self._binned(examples)
        plots.reliability(folder / "reliability.png", place, probability, right, examples.weights, self.bins)

    def _binned(self, examples: ScoredExamples) -> tuple[NDArray, NDArray, NDArray]:
        """The bin, the probability of the predicted class, and whether it is the true one, (n,) each."""
        probability = examples.scores.max(axis=1).astype(np.float64)
        right = (examples.scores.argmax(axis=1) == examples.label).astype(np.float64)
        # a bin includes its upper edge, as in the reference
        place = np.clip(np.ceil(probability * self.bins).astype(np.int64) - 1, 0, self.bins - 1)
        return place, probability, right
