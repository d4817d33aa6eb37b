"""One-dimensional Wasserstein distances between samples, with bootstrap errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REPLICAS = 40  # of both samples


def w1(true: NDArray, made: NDArray, n_true: NDArray | None = None, n_made: NDArray | None = None) -> float:
    """The Wasserstein-1 distance of two samples (n,) and (m,): the area between their cumulative distributions.

    Parameters
    ----------
    n_true, n_made : how often each value counts; once by default.
    """
    values = np.concatenate([true, made])
    order = np.argsort(values, kind="stable")
    return _area(values[order], _steps(order, len(true), len(made), n_true, n_made))


class Comparison:
    """The distances of several quantities of two samples, averaged over the quantities.

    Parameters
    ----------
    true, made : values (n, K) and (m, K) of the examples, or of their elements.
    of_true, of_made : example that each row belongs to, where rows are elements; otherwise they are examples.
    """

    def __init__(
        self, true: NDArray, made: NDArray, of_true: NDArray | None = None, of_made: NDArray | None = None
    ) -> None:
        self.rows = (len(true), len(made))
        self.of = (of_true, of_made)
        values = np.concatenate([true, made]).astype(np.float64)
        self.order = np.argsort(values, axis=0, kind="stable")
        self.sorted = np.take_along_axis(values, self.order, axis=0)
        self.spread = true.std(0, dtype=np.float64)

    @property
    def value(self) -> float:
        """The mean over the quantities."""
        return float(self._of_each(None, None).mean())

    @property
    def relative(self) -> float:
        """The mean over the quantities of their distances in units of the standard deviation of the true values."""
        return float((self._of_each(None, None) / np.where(self.spread > 0, self.spread, 1)).mean())

    def error(self, seed: int) -> float:
        """Standard deviation of the value over bootstrap replicas of the examples of both samples."""
        random = np.random.default_rng(seed)
        drawn = [
            self._of_each(*(self._draw(random, n, of) for n, of in zip(self.rows, self.of, strict=True))).mean()
            for _ in range(REPLICAS)
        ]
        return float(np.std(drawn, ddof=1))

    @staticmethod
    def _draw(random: np.random.Generator, n_rows: int, of: NDArray | None) -> NDArray:
        n = n_rows if of is None else int(of.max()) + 1
        count = np.bincount(random.integers(0, n, n), minlength=n)
        return count if of is None else count[of]

    def _of_each(self, n_true: NDArray | None, n_made: NDArray | None) -> NDArray[np.float64]:
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
