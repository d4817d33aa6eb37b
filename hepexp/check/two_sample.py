"""A trained classifier as a two-sample test, with its null from permutations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TREES = 40
N_NULL = 30  # permutations: the smallest p is 1 / 31


@dataclass(frozen=True)
class TwoSampleTest:
    """How well a classifier tells two samples apart.

    Parameters
    ----------
    auc, accuracy : on examples that it has not seen; 0.5 by chance.
    n : examples that were judged, all of them once.
    null_auc, null_accuracy : the same after permutations of which sample an example is of (N_NULL,).
    """

    auc: float
    accuracy: float
    n: int
    null_auc: NDArray[np.float64]
    null_accuracy: NDArray[np.float64]

    @property
    def p(self) -> float:
        """The share of permutations with at least this AUC, this one among them."""
        return float((1 + (self.null_auc >= self.auc).sum()) / (1 + len(self.null_auc)))

    @property
    def z(self) -> float:
        """The AUC less the mean of the null, in its standard deviations."""
        spread = self.null_auc.std(ddof=1)
        return float((self.auc - self.null_auc.mean()) / spread) if spread > 0 else 0.0

    @property
    def distance(self) -> float:
        """2 a - 1, which is at most the total variation distance, for the least accuracy a at 95 % confidence."""
        from scipy.stats import binomtest

        least = binomtest(round(self.accuracy * self.n), self.n, alternative="greater").proportion_ci(0.95).low
        return max(0.0, 2 * float(least) - 1)


def told_apart(
    x: NDArray[np.float64], which: NDArray[np.bool_], seed: int, done: Callable[[], None] = lambda: None
) -> TwoSampleTest:
    """Train boosted trees on either half of the examples, and judge them by the other.

    Under the null hypothesis of equal distributions, which sample an example is of is exchangeable, so permutations
    of it, with the same training, have the distribution of the figure itself.

    Parameters
    ----------
    x : features (n, F) of all examples.
    which : (n,) True for those of the second sample, about half.
    seed : of the halves and the permutations.
    done : is called after each training.

    References
    ----------
    D. Lopez-Paz, M. Oquab, arXiv:1610.06545 (classifiers as two-sample tests).
    """
    random = np.random.default_rng([seed, 2])  # independent of those that moved the examples
    half = random.permutation(np.arange(len(x)) % 2)
    found = []
    for k in range(N_NULL + 1):
        found.append(_judged(x, which if k == 0 else random.permutation(which), half, seed))
        done()
    (auc, accuracy), null = found[0], np.array(found[1:])
    return TwoSampleTest(auc, accuracy, len(x), null[:, 0], null[:, 1])


def _judged(x: NDArray, which: NDArray[np.bool_], half: NDArray, seed: int) -> tuple[float, float]:
    """AUC, the mean of both halves, and accuracy."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # takes a second to import
    from sklearn.metrics import roc_auc_score

    areas, right = [], 0
    for one in (0, 1):
        there, here = half == one, half != one
        trees = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=15, early_stopping=False, random_state=seed
        )
        score = trees.fit(x[there], which[there]).predict_proba(x[here])[:, 1]
        areas.append(roc_auc_score(which[here], score))
        right += ((score > 0.5) == which[here]).sum()
    return float(np.mean(areas)), float(right / len(x))
