"""One-dimensional Wasserstein distances between samples, with bootstrap errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.generation.comparison import Comparison


def w1(true: NDArray, made: NDArray, n_true: NDArray | None = None, n_made: NDArray | None = None) -> float:
    """The Wasserstein-1 distance of two samples (n,) and (m,): the area between their cumulative distributions.

    Parameters
    ----------
    n_true, n_made : how often each value counts; once by default.
    """
    values = np.concatenate([true, made])
    order = np.argsort(values, kind="stable")
    return _area(values[order], _steps(order, len(true), len(made), n_true, n_made))


class Wasserstein(Comparison):
    """The Wasserstein-1 distances of several quantities of two samples.

    Parameters
    ----------
    true, made, of_true, of_made : see Comparison.
    """

    def __init__(
        self, true: NDArray, made: NDArray, of_true: NDArray | None = None, of_made: NDArray | None = None
    ) -> None:
        super().__init__(true, made, of_true, of_made)
        values = np.concatenate([true, made]).astype(np.float64)
        self.order = np.argsort(values, axis=0, kind="stable")
        self.sorted = np.take_along_axis(values, self.order, axis=0)
        self.spread = true.std(0, dtype=np.float64)

    @property
    def relative(self) -> float:
        """The mean over the quantities of their distances in units of the standard deviation of the true values."""
        return float((self.of_each() / np.where(self.spread > 0, self.spread, 1)).mean())

    def of_each(self, n_true: NDArray | None = None, n_made: NDArray | None = None) -> NDArray[np.float64]:
        return np.array(
            [
                _area(self.sorted[:, k], _steps(self.order[:, k], *self.rows, n_true, n_made))
                for k in range(self.order.shape[1])
            ]
        )


def _steps(order: NDArray, n: int, m: int, n_true: NDArray | None, n_made: NDArray | None) -> NDArray[np.float64]:
    """By how much the difference of the two cumulative distributions changes at each of the sorted values."""
    true = np.ones(n) if n_true is None else n_true.astype(np.float64)
    made = np.ones(m) if n_made is None else n_made.astype(np.float64)
    return np.concatenate([true / true.sum(), -made / made.sum()])[order]


def _area(values: NDArray, steps: NDArray) -> float:
    return float(np.abs(np.cumsum(steps)[:-1]) @ np.diff(values))
