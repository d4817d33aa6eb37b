"""The ROC curve of a score: the only place that counts jets above a threshold, for metrics, errors and plots."""

from __future__ import annotations

import numpy as np

SIGNAL_EFFICIENCIES = (0.3, 0.5)  # the working points at which the field compares taggers


class Roc:
    """Signal and background above every threshold of a score, for any weights of the examples.

    The examples are sorted once; each set of weights (a bootstrap replica) then costs two cumulative sums. Examples
    with equal scores pass together, so that ties give a straight segment of the curve and count one half in the area.

    Parameters
    ----------
    score : (n,) higher is more signal-like.
    signal : (n,) bool, True for signal.
    """

    def __init__(self, score: np.ndarray, signal: np.ndarray) -> None:
        score = np.asarray(score)
        self.order = np.argsort(score, kind="stable")[::-1]
        descending = score[self.order]
        self.signal = np.asarray(signal, dtype=bool)[self.order]
        # The last example of each run of equal scores: a threshold cannot be put between equal scores.
        self.last = np.flatnonzero(np.append(descending[1:] != descending[:-1], True)) if len(score) else np.arange(0)

    def counts(self, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Signal and background that pass each threshold, (t + 1,) int64 each, from none to all.

        Parameters
        ----------
        weight : (n,) int, how often each example counts, in the original order; once each by default.
        """
        weight = np.ones(len(self.order), np.int64) if weight is None else weight[self.order]
        passed = np.cumsum(weight)[self.last]
        signal = np.cumsum(np.where(self.signal, weight, 0))[self.last]
        return np.append(0, signal), np.append(0, passed - signal)


def efficiencies(signal: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signal efficiency eS and background efficiency eB of `Roc.counts`; NaN where a class has no example."""
    with np.errstate(invalid="ignore"):
        return signal / signal[-1], background / background[-1]


def area(signal: np.ndarray, background: np.ndarray) -> float:
    """Area under the curve of `Roc.counts`, by trapezoids; NaN when a class has no example.

    The sum is over integers, hence exact for up to 10^9 examples.
    """
    if not signal[-1] or not background[-1]:
        return float("nan")
    twice = np.dot(np.diff(background), signal[1:] + signal[:-1])
    return float(twice / (2 * signal[-1] * background[-1]))


def background_at(signal: np.ndarray, background: np.ndarray, at: float | np.ndarray) -> np.ndarray:
    """Background efficiency eB at signal efficiency `at`; NaN when a class has no example.

    Linear between the points of the ROC curve, as `np.interp(at, tpr, fpr)` on scikit-learn's `roc_curve`; where the
    curve has several eB at exactly this eS, the largest.
    """
    if not signal[-1] or not background[-1]:
        return np.full(np.shape(at), np.nan)
    return np.interp(at, *efficiencies(signal, background))
