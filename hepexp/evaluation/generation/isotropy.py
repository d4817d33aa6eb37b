"""Tests of directions for isotropy, by their first two moments, whose distributions are known in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc


def isotropy(directions: NDArray[np.floating]) -> dict[str, float]:
    """The probabilities that n isotropic directions deviate more than these.

    dipole : Rayleigh's test, 3 n |m|^2 of the mean m, which tends to a chi-squared of three degrees of freedom.
    quadrupole : Bingham's test, 15/2 n tr (T - 1/3)^2 of the second moments T = E n n^T, a chi-squared of five.

    Parameters
    ----------
    directions : (n, 3), of length one.

    References
    ----------
    K. V. Mardia, P. E. Jupp, Directional Statistics (2000), sections 10.4.1 and 10.7.1.
    """
    x, n = directions.astype(np.float64), len(directions)
    mean, tensor = x.mean(0), x.T @ x / n - np.eye(3) / 3
    return {
        "dipole": float(chdtrc(3, 3 * n * (mean**2).sum())),
        "quadrupole": float(chdtrc(5, 7.5 * n * (tensor**2).sum())),
    }
