"""Split conformal prediction: sets of classes that contain the true one with a probability that one chooses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom

from hepexp.evaluation.bootstrap import with_errors
from hepexp.metric import Metric

KINDS = ("lac", "aps")
IN_SET = "in_set"  # in the names of columns of predictions: 1 if a class is in the set of an example
CONFORMAL = (
    Metric(
        "conformal_coverage_{level}",
        "neither",
        "coverage of sets at {level}",
        "Fraction of examples whose true class is in their conformal set, of nominal coverage {level}.",
        range="0 to 1",
        each_epoch=False,
    ),
    Metric(
        "conformal_set_size_{level}",
        "lower",
        "size of sets at {level}",
        "Mean number of classes in the conformal set of an example, of nominal coverage {level}.",
        range=">= 0",
        each_epoch=False,
    ),
)


@dataclass(frozen=True)
class Threshold:
    """The largest nonconformity score that a class in the set may have.

    Parameters
    ----------
    level : nominal coverage 1 - alpha.
    value, tie : the threshold, and a uniform number that decides on scores equal to it.
    k, n : rank of the threshold among n calibration examples, k = ceil((n + 1) level).
    kind : of the scores.
    """

    level: float
    value: float
    tie: float
    k: int
    n: int
    kind: Literal["lac", "aps"]

    @classmethod
    def fit(
        cls, scores: NDArray, label: NDArray, level: float, kind: Literal["lac", "aps"] = "lac", seed: int = 0
    ) -> Threshold:
        """From calibration examples that are exchangeable with those to be predicted, and were not trained on.

        Parameters
        ----------
        scores : (n, C) probabilities.
        label : (n,) int, class of each example.
        level : nominal coverage, in (0, 1).
        kind : `lac`, 1 - p of the class, gives the smallest sets (arXiv:1609.00451); `aps`, the probability of all
            likelier classes and a random share of its own, has larger sets where the classes are hard to tell apart
            (arXiv:2006.02544).
        seed : of the random shares, and of the decision between equal scores.
        """
        n = len(label)
        u = np.random.default_rng((seed, 0)).random(n)
        score = np.take_along_axis(_nonconformity(scores, u, kind), np.asarray(label)[:, None], 1)[:, 0]
        k = math.ceil((n + 1) * level - 1e-9)
        if k > n:  # too few examples for this level: every class is in every set
            return cls(level, math.inf, 1.0, k, n, kind)
        chosen = np.lexsort((u, score))[k - 1]
        return cls(level, float(score[chosen]), float(u[chosen]), k, n, kind)

    def sets(self, scores: NDArray, seed: int = 0) -> NDArray[np.bool_]:
        """Whether each class (n, C) is in the set of each example, of probabilities (n, C)."""
        u = np.random.default_rng((seed, 1)).random(len(scores))
        score = _nonconformity(scores, u, self.kind)
        return (score < self.value) | ((score == self.value) & (u <= self.tie)[:, None])

    def p_value(self, covered: int, n: int) -> float:
        """Of a coverage at least as far from its median, two-sided, if the examples are exchangeable.

        Given the calibration examples the coverage is distributed as Beta(k, n + 1 - k), so that the number of covered
        examples is beta-binomial.
        """
        if self.k > self.n:
            return 1.0
        law = betabinom(n, self.k, self.n + 1 - self.k)
        return float(min(1.0, 2 * min(law.cdf(covered), law.sf(covered - 1))))

    def band(self, n: int, inside: float = 0.95) -> tuple[float, float]:
        """The central interval of the coverage of n examples."""
        if self.k > self.n:
            return 1.0, 1.0
        law = betabinom(n, self.k, self.n + 1 - self.k)
        low, high = (float(law.ppf(q)) / n for q in ((1 - inside) / 2, (1 + inside) / 2))
        return low, high

    def figures(self, sets: NDArray[np.bool_], label: NDArray, seed: int) -> dict[str, float | str | None]:
        """Coverage and size of sets (n, C), with errors from a bootstrap over the examples, which count alike."""
        inside = np.take_along_axis(sets, np.asarray(label)[:, None], 1)[:, 0].astype(np.float64)
        size, n = sets.sum(1).astype(np.float64), len(label)
        coverage, length = (f"conformal_{name}_{self.level:g}" for name in ("coverage", "set_size"))
        found = with_errors({coverage: lambda w: w @ inside / w.sum(), length: lambda w: w @ size / w.sum()}, n, seed)
        p, law = self.p_value(int(inside.sum()), n), f"Beta({self.k}, {self.n + 1 - self.k})"
        said = f"p = {p:.2g} for coverages distributed as {law}"
        if self.k > self.n:
            said = f"{self.n} calibration examples are too few for this level: every class is in every set"
        why = found.get(f"{coverage}_note")
        found[f"{coverage}_note"] = f"{said}; {why}" if why else said
        return found


def _nonconformity(scores: NDArray, u: NDArray, kind: str) -> NDArray[np.float64]:
    """How ill each class (n, C) fits each example; u (n,) are uniform numbers."""
    p = scores.astype(np.float64)
    if kind == "lac":
        return -p
    order = np.argsort(-p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, 1)
    total = np.cumsum(ranked, axis=1) - ranked + u[:, None] * ranked
    found = np.empty_like(p)
    np.put_along_axis(found, order, total, 1)
    return found
