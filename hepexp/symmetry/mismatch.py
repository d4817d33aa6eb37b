"""Whether transformed examples follow the distribution of the original ones: a distance that needs no critic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

MOST = 2000  # number of examples compared: the cost grows as its square


class Mismatch:
    """Energy distance between x and g x of the same class, relative to the displacement of x by g.

        m = sum_c p_c E_c |x| / E |g x - x|^2,    E_c = 2 E|x - g x'| - E|x - x'| - E|g x - g x'| over other examples x'

    It is dimensionless and, for small transformations, independent of the size of the generators; it is 0 up to noise
    for a symmetry of the distribution of each class, where noise may also make it negative.

    Parameters
    ----------
    x, moved : vectors (n, K, d) of examples before and after.
    label : (n,).

    References
    ----------
    G. J. Szekely, M. L. Rizzo, J. Stat. Plan. Inference 143 (2013) 1249.
    """

    def __init__(self, x: NDArray[np.floating], moved: NDArray[np.floating], label: NDArray[np.integer]):
        x, moved = (values[:MOST].reshape(len(values[:MOST]), -1).astype(np.float64) for values in (x, moved))
        self.n = len(x)
        self.length = np.linalg.norm(x, axis=1)
        self.shift = np.linalg.norm(moved - x, axis=1)
        # symmetric in the pair, and other examples of the same class only
        across = cdist(x, moved)
        self.kernel = across + across.T - cdist(x, x) - cdist(moved, moved)
        self.pairs = (label[: self.n, None] == label[: self.n]) & ~np.eye(self.n, dtype=bool)
        self.kernel *= self.pairs

    def value(self, weight: NDArray | None = None) -> float:
        """The mismatch with these weights (n,) of the examples, the products of which are those of the pairs."""
        w = np.ones(self.n) if weight is None else weight[: self.n].astype(np.float64)
        pairs, total = w @ self.pairs @ w, w.sum()
        if not total > 0:
            return float("nan")
        distance = (w @ self.kernel @ w) / (pairs if pairs > 0 else 1)
        moved = (w @ self.shift**2) / total
        return float(distance * (w @ self.length) / total / moved) if moved else float("nan")
