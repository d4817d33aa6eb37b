"""Lie algebras as bases of matrices, and the principal angles between one of them and learnt generators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import subspace_angles

NO_DIRECTION = 1e-12  # relative to the largest generator: a smaller one counts as zero


@dataclass(frozen=True)
class Algebra:
    """The matrices L with L^T J + J L = 0 for one metric J.

    Shapes
    ------
    basis (d, n, n) float64; metric J (n, n) float64.
    """

    name: str
    basis: NDArray[np.float64]
    metric: NDArray[np.float64]

    @property
    def n(self) -> int:
        """Dimension of the vectors on which its matrices act."""
        return len(self.metric)


def of_metric(name: str, diagonal: tuple[float, ...]) -> Algebra:
    """The algebra so(p, q) of a diagonal metric with entries +-1, one generator for each pair of directions.

    L_ab has entry a b equal to 1 and b a equal to -J_a J_b: a rotation if both signs agree, otherwise a boost.
    """
    basis = []
    for a, b in combinations(range(len(diagonal)), 2):
        generator = np.zeros((len(diagonal), len(diagonal)))
        generator[a, b], generator[b, a] = 1.0, -diagonal[a] * diagonal[b]
        basis.append(generator)
    return Algebra(name, np.stack(basis), np.diag(diagonal).astype(np.float64))


def so2() -> Algebra:
    """Rotations of the plane; the metric is the identity."""
    return of_metric("so(2)", (1.0, 1.0))


def so3() -> Algebra:
    """Rotations of space; the metric is the identity."""
    return of_metric("so(3)", (1.0, 1.0, 1.0))


def so13() -> Algebra:
    """Three boosts and three rotations of (E, px, py, pz); the metric is diag(1, -1, -1, -1)."""
    return of_metric("so(1,3)", (1.0, -1.0, -1.0, -1.0))


def boosts_z() -> Algebra:
    """Boosts along z of (E, px, py, pz), what beams leave of so(1,3) without their rotations."""
    whole = so13()
    return Algebra("boosts along z", whole.basis[[2]], whole.metric)


ALGEBRAS: dict[str, Callable[[], Algebra]] = {"so2": so2, "so3": so3, "so13": so13, "boosts_z": boosts_z}


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
