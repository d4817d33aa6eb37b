"""The bins in which distributions of generated and true examples are drawn and compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

N_BINS = 40
LONG = 10  # times the median: where a long tail ends
TAIL = 0.001  # of the true values beyond each end of the axis


def bins(truth: NDArray) -> tuple[NDArray[np.float64], bool]:
    """Edges of the bins, which hold nearly all true values, and whether their axis is logarithmic.

    They have width 1 for whole numbers; they are logarithmic for positive values with a long tail.
    """
    low, high = np.quantile(truth, (TAIL, 1 - TAIL))
    n = int(np.clip(len(truth) ** 0.5, 10, N_BINS))
    if (truth == np.round(truth)).all():
        width = max(1, round((high - low) / n))
        return np.arange(np.floor(low) - 0.5, high + 0.5 + width, width), False
    if low > 0 and high > LONG * np.median(truth):
        return np.geomspace(low, high, n + 1), True
    return np.linspace(low, high if high > low else low + 1, n + 1), False
