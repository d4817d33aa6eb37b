"""Coverage and minimum matching distance: how near generated examples are to true ones, and to how many of them.

References
----------
R. Kansal et al., arXiv:2106.11535, section 4; distance: P. Komiske, E. Metodiev, J. Thaler, arXiv:1902.02346.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

N, N_BATCHES = 100, 3  # examples of each sample in a batch
MISSING = "" if find_spec("ot") else "not computed: POT is not installed; pip install 'hepexp[generation]'"


def energy_movers_distance(a: NDArray, b: NDArray) -> float:
    """The least work that turns one jet into another: sum f_ij theta_ij + |sum z - sum z'|, R = 1.

    Parameters
    ----------
    a, b : (N, 3), two angles and z >= 0 of each particle; those with z = 0 are padding.
    """
    from ot.lp.emd_wrap import emd_c  # takes seconds to import

    a, b = a[a[:, 2] > 0], b[b[:, 2] > 0]
    za, zb = a[:, 2].sum(), b[:, 2].sum()
    theta = np.zeros((len(a) + 1, len(b) + 1))
    theta[:-1, :-1] = cdist(a[:, :2], b[:, :2])
    theta[:-1, -1] = theta[-1, :-1] = 1.0  # what one of them lacks comes from a particle at the distance R
    first, second = np.append(a[:, 2], max(zb - za, 0)), np.append(b[:, 2], max(za - zb, 0))
    total = max(za, zb)
    return float(total * emd_c(first / total, second / total, theta, 100_000, 1)[1]) if total else 0.0


def coverage_and_mmd(true: NDArray, made: NDArray, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Coverage and minimum matching distance, each with its error: means over batches of 100 examples.

    Each generated example is matched with the nearest true one: the coverage is the fraction of true ones that are. The
    other is the mean distance of true examples from the nearest generated one.

    Parameters
    ----------
    true, made : (n, N, 3) and (m, M, 3), see `energy_movers_distance`.
    """
    random, coverages, distances = np.random.default_rng(seed), [], []
    for _ in range(N_BATCHES):
        some_true, some_made = (x[random.integers(0, len(x), N)] for x in (true, made))
        work = np.array([[energy_movers_distance(one, other) for other in some_true] for one in some_made])
        coverages.append(len(np.unique(work.argmin(1))) / N)
        distances.append(work.min(0).mean())
    return {"cov": _mean(coverages), "mmd": _mean(distances)}


def _mean(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
