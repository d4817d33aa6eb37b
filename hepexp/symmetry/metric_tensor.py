"""The metric that generators leave invariant, if there is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MetricTensor:
    """The symmetric J with L_i^T J + J L_i = 0 for all i, so that x^T J x is the same for exp(sum z_i L_i) x.

    Parameters
    ----------
    J : the metric (n, n), with Frobenius norm sqrt(n) and its first large diagonal entry positive; None if no metric is
        invariant.
    metrics : all that are invariant (dimension, n, n), orthogonal to each other, each with the norm and the sign of J,
        which is the first.
    nearest : the matrix closest to an invariant metric, equal to J if J exists; if all generators vanish every matrix
        is equally close, and it is the identity.
    spectrum : singular values (n (n + 1) / 2,) of J -> (L_i^T J + J L_i)_i, in descending order, for generators of mean
        square Frobenius norm 1.
    """

    J: NDArray[np.float64] | None
    metrics: NDArray[np.float64]
    nearest: NDArray[np.float64]
    spectrum: NDArray[np.float64]

    @property
    def dimension(self) -> int:
        """Number of linearly independent invariant metrics; more than one if there are too few generators to single
        one out, and all of them if every generator vanishes."""
        return len(self.metrics)

    @property
    def smallest(self) -> float:
        """Smallest over largest singular value: 0 for an exact metric, 1 if all matrices are equally bad.

        NaN if all generators vanish, so that every matrix is invariant and none is found.
        """
        return float(self.spectrum[-1] / self.spectrum[0]) if self.spectrum[0] else float("nan")

    def angle_to(self, other: NDArray[np.floating]) -> float:
        """Angle in degrees, 0 to 90, between the nearest metric and another one, regardless of sign and scale."""
        norms = np.linalg.norm(self.nearest) * np.linalg.norm(other)
        # by the sine, as the cosine of a small angle loses half the digits
        along = float((self.nearest * other).sum()) / norms
        apart = np.linalg.norm(self.nearest / np.linalg.norm(self.nearest) - along * other / np.linalg.norm(other))
        return float(np.rad2deg(np.arctan2(apart, abs(along))))

    def __str__(self) -> str:
        if not self.spectrum[0]:
            return "no metric: there is no generator, or all vanish"
        said = f"smallest singular value {self.smallest:.3g} of the largest"
        if self.J is None:
            return f"no metric is invariant ({said})"
        return f"{self.dimension} invariant metric{'s' if self.dimension > 1 else ''} ({said})"


def metric_of(generators: NDArray[np.floating], tolerance: float = 1e-8) -> MetricTensor:
    """Metric from the null space, by a singular value decomposition over symmetric J.

    Unlike a minimisation of the violation it cannot end in J = 0, which satisfies the equation for any generators.

    Parameters
    ----------
    generators : L_i (c, n, n).
    tolerance : largest ratio of the smallest to the largest singular value at which a metric counts as invariant:
        rounding error for exact generators; for learnt ones about the angle in radians by which they may be off.
    """
    generators = np.asarray(generators, np.float64)
    n = generators.shape[-1]
    scale = np.sqrt((generators**2).sum((1, 2)).mean())
    symmetric = _symmetric_basis(n)
    if not scale:
        return MetricTensor(None, np.sqrt(n) * symmetric, np.eye(n), np.zeros(len(symmetric)))
    product = symmetric[:, None] @ (generators / scale)  # J L_i; its transpose is L_i^T J
    violation = product + product.swapaxes(-1, -2)  # (symmetric J, c, n, n)
    _, spectrum, rows = np.linalg.svd(violation.reshape(len(symmetric), -1).T, full_matrices=True)
    # with few generators in few dimensions there are fewer equations than entries of J
    spectrum = np.concatenate([spectrum, np.zeros(len(symmetric) - len(spectrum))])
    dimension = int((spectrum <= tolerance * spectrum[0]).sum())
    best = np.sqrt(n) * np.tensordot(rows[::-1][: max(dimension, 1)], symmetric, axes=1)
    best = np.stack([_signed(one) for one in best])
    return MetricTensor(best[0] if dimension else None, best[:dimension], best[0], spectrum)


def traceless(generators: NDArray[np.floating]) -> NDArray[np.float64]:
    """Generators (c, n, n) without their dilations: the originals only rescale a metric invariant under these."""
    generators = np.asarray(generators, np.float64)
    n = generators.shape[-1]
    return generators - np.trace(generators, axis1=1, axis2=2)[:, None, None] / n * np.eye(n)


def _symmetric_basis(n: int) -> NDArray[np.float64]:
    """Orthonormal basis (n (n + 1) / 2, n, n) of symmetric matrices."""
    basis = []
    for a in range(n):
        for b in range(a, n):
            matrix = np.zeros((n, n))
            matrix[a, b] = matrix[b, a] = 1.0 if a == b else np.sqrt(0.5)
            basis.append(matrix)
    return np.stack(basis)


def _signed(metric: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same matrix with the sign that makes the first large diagonal entry positive, as in (+,-,-,-)."""
    diagonal = np.diag(metric)
    large = diagonal[np.abs(diagonal) > 0.1 * np.abs(metric).max()]
    return -metric if len(large) and large[0] < 0 else metric
