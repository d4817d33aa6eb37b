"""Frechet and kernel physics distances: how far the joint distributions of many quantities are apart.

References
----------
R. Kansal et al., arXiv:2211.10295; batches are those of the package JetNet 0.2.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

MOST, SMALLEST = 50_000, 0.4  # examples in the largest batch, and size of the smallest one relative to it
N_SIZES, N_BATCHES, REPLICAS = 10, 20, 40
KERNEL_BATCH, KERNEL_BATCHES, DEGREE = 5000, 10, 4


def scaled(true: NDArray, made: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both samples with each quantity in units of its largest true absolute value."""
    largest = np.abs(true).max(0).astype(np.float64)
    largest[largest == 0] = 1
    return true / largest, made / largest


def frechet(true: NDArray, made: NDArray) -> float:
    """|mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)) of samples (n, F) and (m, F)."""
    (mean, first), (other, second) = ((x.mean(0), np.atleast_2d(np.cov(x, rowvar=False))) for x in (true, made))
    return frechet_of_moments(mean, first, other, second)


def frechet_of_moments(mean: NDArray, first: NDArray, other: NDArray, second: NDArray) -> float:
    """The same of two means (F,), each followed by its covariance (F, F)."""
    apart = mean - other
    # the trace of the root is the sum of the roots of the eigenvalues, also where a quantity is constant
    roots = np.sqrt(np.linalg.eigvals(first @ second).real.clip(min=0))
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * roots.sum())


def fpd(true: NDArray, made: NDArray, seed: int = 0) -> tuple[float, float]:
    """The Frechet distance extrapolated to infinitely many examples, and its bootstrap error.

    The distance of batches of N examples exceeds it by an amount that is linear in 1/N. Batches have 20,000 to 50,000
    examples or, of smaller samples, 0.4 to 1 times their size. As in JetNet they are drawn with replacement, so that
    the result is the distance of the whole samples, whose own bias remains: that of a perfect generator is not 0 but
    that of two samples of the truth. JetNet's error is that of the extrapolation alone, and smaller.

    Parameters
    ----------
    true, made : (n, F) and (m, F).
    """
    x, y = scaled(true, made)
    n, random = min(MOST, len(x), len(y)), np.random.default_rng(seed)
    sizes = (1 / np.linspace(1 / (SMALLEST * n), 1 / n, N_SIZES)).astype(np.int64)

    def of_batches(k: int) -> float:
        return frechet(*(sample[random.choice(len(sample), k)] for sample in (x, y)))

    values = [np.mean([of_batches(k) for _ in range(N_BATCHES)]) for k in sizes]
    (value, _), _ = nnls(np.stack([np.ones(N_SIZES), n / sizes], axis=1), values)  # neither term is below 0
    return float(value), float(np.std([of_batches(n) for _ in range(REPLICAS)], ddof=1))


def mmd2(x: NDArray, y: NDArray) -> float:
    """The unbiased squared maximum mean discrepancy of samples (n, F) and (m, F), kernel (1 + x.y / F)^4."""
    xx, yy, xy = ((1 + a @ b.T / x.shape[1]) ** DEGREE for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * xy.mean())


def kpd(true: NDArray, made: NDArray, seed: int = 0) -> tuple[float, float]:
    """The median of `mmd2` over batches, and half the width of their central 68 %.

    Batches have 5,000 examples, or half of what there is. As in JetNet they are drawn with replacement: equal examples
    look like a difference, the same for a perfect generator and the truth.

    Parameters
    ----------
    true, made : (n, F) and (m, F).
    """
    x, y = scaled(true, made)
    size, values = min(KERNEL_BATCH, len(x) // 2, len(y) // 2), []
    for batch in range(KERNEL_BATCHES):
        random = np.random.default_rng(seed + 1000 * batch)  # as JetNet, so that equal seeds give equal figures
        values.append(mmd2(*(sample[random.choice(len(sample), size)] for sample in (x, y))))
    low, high = np.percentile(values, (16.275, 83.725))
    return float(np.median(values)), float(high - low) / 2
