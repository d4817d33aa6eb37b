"""Temperature scaling: one number that makes the probabilities of a classifier as sure as they may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from hepexp.errors import HepexpError
from hepexp.evaluation.bootstrap import ones
from hepexp.metric import Metric

COLDEST, HOTTEST = 1e-2, 1e2
TEMPERATURE = Metric(
    "calibration/temperature",
    "neither",
    "temperature",
    "By which the logits are divided: fitted to the validation examples by maximum likelihood (arXiv:1706.04599).",
    range="> 0; above 1 if the network is too sure",
    error="from the curvature of the likelihood, with the spread of the examples' gradients",
    each_epoch=False,
)


@dataclass(frozen=True)
class Temperature:
    """Probabilities p_c^(1/T) / sum_c' p_c'^(1/T): the softmax of the logits divided by T. Their order stays.

    Parameters
    ----------
    value : T > 0; 1 changes nothing.
    error : of the fit; 0 if it was not fitted.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, arXiv:1706.04599, section 4.2.
    """

    value: float
    error: float = 0.0

    def __call__(self, scores: NDArray) -> NDArray:
        """Scaled probabilities (n, C) of probabilities (n, C), in their precision."""
        return _softmax(_logits(scores) / self.value).astype(scores.dtype)

    @classmethod
    def fit(cls, scores: NDArray, label: NDArray, weight: NDArray | None = None) -> Temperature:
        """The temperature at which the examples are likeliest.

        Parameters
        ----------
        scores : (n, C) probabilities.
        label : (n,) int, class of each example.
        weight : (n,) of each example, if any.

        Raises
        ------
        HepexpError : no temperature between 0.01 and 100 is the best.
        """
        logits, weight = _logits(scores), ones(len(label), weight).astype(np.float64)
        true = np.take_along_axis(logits, np.asarray(label)[:, None], 1)[:, 0]

        def gradients(beta: float) -> tuple[NDArray, NDArray]:
            """d/d beta of -ln p(true class), and the second derivative, (n,) each, at beta = 1/T."""
            p = _softmax(beta * logits)
            mean = (p * logits).sum(1)
            return mean - true, (p * logits**2).sum(1) - mean**2

        def slope(log_beta: float) -> float:
            return float(weight @ gradients(math.exp(log_beta))[0])

        low, high = -math.log(HOTTEST), -math.log(COLDEST)
        if not slope(low) < 0 < slope(high):
            raise HepexpError(
                f"no temperature between {COLDEST:g} and {HOTTEST:g} is the best for {len(label):,} validation "
                "examples: all are classified correctly, or no better than at random; use more of them (data.n_val)"
            )
        beta = math.exp(brentq(slope, low, high, xtol=1e-9))
        first, second = gradients(beta)
        error = math.sqrt(float(weight**2 @ first**2)) / float(weight @ second)
        return cls(1 / beta, error / beta**2)


def negative_log_likelihood(scores: NDArray, label: NDArray) -> NDArray:
    """-ln p(true class) (n,) of probabilities (n, C)."""
    return -np.take_along_axis(_logits(scores), np.asarray(label)[:, None], 1)[:, 0]


def _logits(scores: NDArray) -> NDArray[np.float64]:
    """ln p, of a probability that has underflowed that of the smallest number."""
    return np.log(np.maximum(scores, np.finfo(scores.dtype).tiny).astype(np.float64))


def _softmax(logits: NDArray) -> NDArray[np.float64]:
    p = np.exp(logits - logits.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)
