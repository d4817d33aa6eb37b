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
    among : (n,) bool, True for the examples that take part, such as those of two of several classes; by default all.

    Attributes
    ----------
    order : the examples that take part, by descending score.
    """

    def __init__(self, score: np.ndarray, signal: np.ndarray, among: np.ndarray | None = None) -> None:
        score = np.asarray(score)
        if among is None:
            self.order = np.argsort(score, kind="stable")[::-1]
        else:
            taking_part = np.flatnonzero(among)
            self.order = taking_part[np.argsort(score[taking_part], kind="stable")[::-1]]
        descending = score[self.order]
        self.signal = np.asarray(signal, dtype=bool)[self.order]
        # The last example of each run of equal scores: a threshold cannot be put between equal scores.
        some = len(self.order)
        self.last = np.flatnonzero(np.append(descending[1:] != descending[:-1], True)) if some else np.arange(0)
        self._latest: tuple[np.ndarray | None, tuple[np.ndarray, np.ndarray] | None] = (None, None)

    def counts(self, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Signal and background that pass each threshold, (t + 1,) each, from none to all; int64 if the weights are.

        Parameters
        ----------
        weight : (n,) how much each example counts, in the original order, negative ones too; once each by default.
        """
        latest, found = self._latest
        if found is not None and latest is weight:  # several figures follow from the same counts
            return found
        each = np.ones(len(self.order), np.int64) if weight is None else weight[self.order]
        signal = np.cumsum(np.where(self.signal, each, 0))[self.last]
        background = np.cumsum(np.where(self.signal, 0, each))[self.last]
        self._latest = (weight, (np.append(0, signal), np.append(0, background)))
        return self._latest[1]

    def above(self, at: float, weight: np.ndarray | None = None) -> np.ndarray:
        """The examples above the threshold at which the signal efficiency reaches `at`; none without signal."""
        signal, background = self.counts(weight)
        if not has_both(signal, background):
            return self.order[:0]
        reached = int(np.argmax(signal >= at * signal[-1]))
        return self.order[: self.last[reached - 1] + 1] if reached else self.order[:0]


def has_both(signal: np.ndarray, background: np.ndarray) -> bool:
    """Whether there is signal and background in `Roc.counts`: whether both sums of weights are positive."""
    return bool(signal[-1] > 0 and background[-1] > 0)


def efficiencies(signal: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signal efficiency eS and background efficiency eB of `Roc.counts`; NaN where a class has no example."""
    with np.errstate(invalid="ignore"):
        return signal / signal[-1], background / background[-1]


def improvement(signal: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signal efficiency eS and significance improvement eS / sqrt(eB) of `Roc.counts`; NaN where no background passes.

    References
    ----------
    J. Gallicchio et al., arXiv:1009.3243 (eq. 1).
    """
    found = np.full(len(signal), np.nan)
    if not has_both(signal, background):
        return found, found
    es, eb = efficiencies(signal, background)
    known = eb > 0
    found[known] = es[known] / np.sqrt(eb[known])
    return es, found


def area(signal: np.ndarray, background: np.ndarray) -> float:
    """Area under the curve of `Roc.counts`, by trapezoids; NaN when a class has no example.

    Without weights the sum is over integers, hence exact for up to 10^9 examples. With negative weights it is still the
    unbiased estimate sum_ij w_i w_j [s_i > s_j] / (sum_i w_i sum_j w_j), which may then leave the range 0 to 1.
    """
    if not has_both(signal, background):
        return float("nan")
    twice = np.dot(np.diff(background), signal[1:] + signal[:-1])
    return float(twice / (2 * signal[-1] * background[-1]))


def background_at(signal: np.ndarray, background: np.ndarray, at: float | np.ndarray) -> np.ndarray:
    """Background efficiency eB at signal efficiency `at`; NaN when a class has no example.

    Linear between the points of the ROC curve, as `np.interp(at, tpr, fpr)` on scikit-learn's `roc_curve`; where the
    curve has several eB at exactly this eS, the largest. Where negative weights let eS fall again along the curve, it
    counts where it is first reached.
    """
    if not has_both(signal, background):
        return np.full(np.shape(at), np.nan)
    found, kept = efficiencies(signal, background)
    return np.interp(at, np.maximum.accumulate(found), kept)
