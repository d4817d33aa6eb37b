"""What distances between distributions of a true and a generated sample share: means over quantities, and errors."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

REPLICAS = 40  # of both samples


class Comparison(ABC):
    """A distance of several quantities of two samples, averaged over the quantities.

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

    @abstractmethod
    def of_each(self, n_true: NDArray | None = None, n_made: NDArray | None = None) -> NDArray[np.float64]:
        """The distance (K,) of each quantity, where each row counts so often (n,) and (m,); once by default."""

    @property
    def value(self) -> float:
        """The mean over the quantities."""
        return float(self.of_each().mean())

    def error(self, seed: int) -> float:
        """Standard deviation of the value over bootstrap replicas of the examples of both samples."""
        random = np.random.default_rng(seed)
        drawn = [
            self.of_each(*(self._draw(random, n, of) for n, of in zip(self.rows, self.of, strict=True))).mean()
            for _ in range(REPLICAS)
        ]
        return float(np.std(drawn, ddof=1))

    @staticmethod
    def _draw(random: np.random.Generator, n_rows: int, of: NDArray | None) -> NDArray:
        n = n_rows if of is None else int(of.max()) + 1
        count = np.bincount(random.integers(0, n, n), minlength=n)
        return count if of is None else count[of]
