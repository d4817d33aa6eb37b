"""Lie algebras to compare learnt generators with, as bases of matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


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


def so13() -> Algebra:
    """Three boosts and three rotations of (E, px, py, pz); the metric is diag(1, -1, -1, -1)."""
    return of_metric("so(1,3)", (1.0, -1.0, -1.0, -1.0))


ALGEBRAS: dict[str, Callable[[], Algebra]] = {"so2": so2, "so13": so13}
