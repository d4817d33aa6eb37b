"""Mean and spread of training values, by which values are standardised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-6  # relative: stored values have float32's digits


def mean_and_spread(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column (F,) of values (n, F); the latter as `spread_or_one`."""
    mean, std = values.mean(0, dtype=np.float64), values.std(0, dtype=np.float64)
    return mean, spread_or_one(mean, std)


def spread_or_one(mean: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations, but 1 for a column that is constant but for rounding, so that it can be divided by."""
    return np.where(std > _ROUNDING * abs(mean), std, 1.0)
