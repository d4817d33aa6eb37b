"""Errors of efficiencies that hold at 0 and 1 too."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wilson_interval(
    passed: ArrayLike, total: ArrayLike, squares: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval of Wilson (J. Am. Stat. Assoc. 22 (1927) 209) of one standard deviation about an efficiency.

    It contains the measured efficiency and stays inside [0, 1]. Where none or all of the examples pass it is as wide
    as their number allows, while the usual root of p (1 - p) / n says that nothing is uncertain.

    Parameters
    ----------
    passed, total : (k,), sums of weights of the examples that pass, and of all; total > 0.
    squares : (k,), sums of the squares of all weights, which make the examples worth total^2 / squares of weight 1.
        Without it examples have weight 1.

    Returns
    -------
    (k,) and (k,), lower and upper end.
    """
    total = np.asarray(total, float)
    share = np.clip(np.asarray(passed, float) / total, 0.0, 1.0)
    n = total if squares is None else np.square(total) / np.asarray(squares, float)
    middle = (share + 0.5 / n) / (1 + 1 / n)
    half = np.sqrt(share * (1 - share) / n + 0.25 / np.square(n)) / (1 + 1 / n)
    return np.clip(middle - half, 0.0, share), np.clip(middle + half, share, 1.0)
