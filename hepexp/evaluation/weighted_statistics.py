"""Statistics of values as functions of their weights, of which the bootstrap draws replicas."""

from collections.abc import Callable

import numpy as np

from hepexp.evaluation.bootstrap import mean


def median_of(values: np.ndarray) -> Callable[[np.ndarray], float]:
    """The median as a function of the weights of the values; values that are not finite are left out."""
    known = np.flatnonzero(np.isfinite(values))
    known = known[np.argsort(values[known], kind="stable")]
    ordered = values[known].astype(np.float64)

    def of(weight: np.ndarray) -> float:
        below = np.cumsum(weight[known])
        if not len(below) or below[-1] <= 0:
            return float("nan")
        # half of the weight is reached at one value, or between two
        low, high = (int(np.argmax(below >= below[-1] / 2)), int(np.argmax(below > below[-1] / 2)))
        return float(ordered[low] + ordered[high]) / 2

    return of


def deviation_of(values: np.ndarray) -> Callable[[np.ndarray], float]:
    """The standard deviation as a function of the weights of the values; values that are not finite are left out."""
    known = np.isfinite(values)
    values = values[known].astype(np.float64)

    def of(weight: np.ndarray) -> float:
        weight = weight[known]
        if weight.dtype.kind == "i":
            return float(np.std(np.repeat(values, weight))) if weight.any() else float("nan")
        variance = mean((values - mean(values, weight)) ** 2, weight)
        return float(np.sqrt(variance)) if variance >= 0 else float("nan")

    return of
