"""The distance between the span of generators and an algebra: principal angles between subspaces of matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import subspace_angles

from hepexp.symmetry.algebra import Algebra

NO_DIRECTION = 1e-12  # relative to the largest generator: a smaller one counts as zero


def principal_angles(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Principal angles in degrees between the spans of two sets of matrices (c, n, n) and (d, n, n), ascending.

    The inner product is Frobenius', tr(A^T B). There are as many angles as the smaller span has dimensions; the
    largest is zero where one span contains the other, and none depends on the bases. Generators that all vanish span
    nothing: no angles.

    References
    ----------
    A. Bjorck, G. H. Golub, Math. Comp. 27 (1973) 579, with the sines for small angles.
    """
    flat = [_columns(np.asarray(matrices, np.float64)) for matrices in (first, second)]
    if not all(columns.shape[1] for columns in flat):
        return np.zeros(0)
    return np.rad2deg(subspace_angles(*flat))[::-1]


def random_angle(algebra: Algebra, channels: int, draws: int = 1000) -> float:
    """Median over random generators of the largest angle in degrees: the angle to expect without any symmetry."""
    rng = np.random.default_rng(0)
    shape = (channels, algebra.n, algebra.n)
    return float(np.median([principal_angles(rng.normal(size=shape), algebra.basis)[-1] for _ in range(draws)]))


def _columns(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis (n n, rank) of the span of the matrices, normalised first."""
    flat = matrices.reshape(len(matrices), -1)
    length = np.linalg.norm(flat, axis=1)
    kept = flat[length > NO_DIRECTION * max(length.max(initial=0), np.finfo(float).tiny)]
    if not len(kept):
        return np.zeros((flat.shape[1], 0))
    kept = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    _, singular, basis = np.linalg.svd(kept, full_matrices=False)
    return basis[singular > 1e-12 * singular[0]].T
