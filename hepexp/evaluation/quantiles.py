"""Quantiles of weighted values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import TAIL


class Quantiles:
    """Quantiles of values (n,) for any weights, sorted once; values that are NaN do not count.

    The quantile q is the first value, in rising order, at which the sum of weights reaches q times the total: an
    example of weight 2 equals the example twice.
    """

    def __init__(self, values: NDArray[np.floating]) -> None:
        order = np.argsort(values, kind="stable")  # NaN last
        self._order = order[: np.count_nonzero(~np.isnan(values))]
        self._values = np.asarray(values, np.float64)[self._order]

    def __call__(self, weight: NDArray, levels: Sequence[float]) -> NDArray[np.float64]:
        """The quantiles of these levels, given the weights (n,); NaN where they do not add up to a positive number."""
        if not len(self._order):
            return np.full(len(levels), np.nan)
        passed = np.cumsum(weight[self._order])
        total = passed[-1]
        if not total > 0:
            return np.full(len(levels), np.nan)
        rising = np.maximum.accumulate(passed)  # negative weights make it fall here and there
        places = np.searchsorted(rising, np.asarray(levels) * total - 1e-12 * total)
        return self._values[np.minimum(places, len(self._values) - 1)]


def reach(
    values: NDArray, levels: float | Sequence[float] | NDArray, weight: NDArray | None = None
) -> NDArray[np.float64]:
    """Quantiles of values (n,) by the absolute values of their weights, where an axis or a bin of a figure ends."""
    size = None if weight is None else np.abs(weight)
    if size is None or not size.any():
        return np.quantile(values, levels)
    return np.quantile(values, levels, weights=size, method="inverted_cdf")


def half_width(values: NDArray[np.floating]) -> Callable[[NDArray], float]:
    """Half the width of the central 68 %, as a function of the weights: the standard deviation of a Gaussian."""
    quantiles = Quantiles(values)

    def of(weight: NDArray) -> float:
        low, high = quantiles(weight, (TAIL, 1 - TAIL))
        return float(high - low) / 2

    return of
