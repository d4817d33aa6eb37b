"""Structure constants of a set of generators, the Killing form that follows from them, and the name of the algebra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ABELIAN, NO_ALGEBRA, NOTHING = "abelian", "no algebra", "none"
# (positive, negative) eigenvalues of the Killing form of the real semisimple algebras of dimension 3 and 6
SEMISIMPLE = {
    (0, 3): "so(3)",
    (2, 1): "so(1,2)",
    (0, 6): "so(4)",
    (2, 4): "so(3) + so(1,2)",
    (3, 3): "so(1,3)",
    (4, 2): "so(2,2)",
}


@dataclass(frozen=True)
class Structure:
    """[L_i, L_j] = sum_k f_ijk L_k for orthogonal generators L_k, as far as the brackets lie in their span.

    Parameters
    ----------
    constants : f_ijk (d, d, d), antisymmetric in i and j.
    residual : what of the brackets is outside the span, sqrt(sum |[L_i, L_j] - sum_k f_ijk L_k|^2 / sum |L_i|^2
        |L_j|^2) over pairs i < j; 0 for an algebra, and for one generator alone.
    line : of one generator, what its exponentials are, `so(2)`, `so(1,1)` or `abelian`; empty for others.
    """

    constants: NDArray[np.float64]
    residual: float
    line: str = ""

    @property
    def killing(self) -> NDArray[np.float64]:
        """The Killing form K_ij = tr(ad_i ad_j) = sum_kl f_ikl f_jlk (d, d)."""
        return np.einsum("ikl,jlk->ij", self.constants, self.constants)

    def name(self, tolerance: float = 1e-8) -> str:
        """The algebra that has these structure constants, as so(3), so(1,3) + R or abelian.

        By Cartan's criterion an algebra is semisimple if its Killing form has no eigenvalue 0, and in three and in six
        dimensions the signs of the eigenvalues single it out. What commutes with everything is added as R, R^2, ...

        Parameters
        ----------
        tolerance : residual up to which brackets count as lying in the span, structure constants up to which
            generators commute, and ratio of eigenvalues of the Killing form to the largest up to which they are 0.
        """
        d = len(self.constants)
        if not d:
            return NOTHING
        if d == 1:
            return self.line or ABELIAN
        if self.residual > tolerance:
            return NO_ALGEBRA
        if np.abs(self.constants).max() <= tolerance:
            return ABELIAN
        values, vectors = np.linalg.eigh(self.killing)
        null = np.abs(values) <= tolerance * np.abs(values).max()
        central = np.einsum("in,ijk->njk", vectors[:, null], self.constants)
        if np.abs(values).max() <= tolerance or (central.size and np.abs(central).max() > tolerance):
            return f"not semisimple, of dimension {d}"
        signs = (int((values[~null] > 0).sum()), int((values[~null] < 0).sum()))
        name = SEMISIMPLE.get(signs, f"semisimple with Killing form ({signs[0]}, {signs[1]})")
        return name + {0: "", 1: " + R"}.get(int(null.sum()), f" + R^{int(null.sum())}")


def structure_of(generators: NDArray[np.floating], independent: float = 1e-8) -> Structure:
    """Structure of the span of matrices (c, n, n), in an orthogonal basis of it in which tr(L_k^T L_k) = 2.

    In that basis, as in any rotation of it, f_ijk of so(3) is the Levi-Civita symbol up to its sign.

    Parameters
    ----------
    independent : smallest ratio of a singular value to the largest at which a direction counts as one of the span; the
        generators are normalised first.
    """
    basis = orthogonal_basis(generators, independent)
    products = np.einsum("iab,jbc->ijac", basis, basis)
    line = _one_parameter_group(basis[0]) if len(basis) == 1 else ""
    return of_brackets(products - products.swapaxes(0, 1), basis, line)


def structure_of_fields(
    fields: NDArray[np.floating], brackets: NDArray[np.floating], length2: float, independent: float = 1e-8
) -> Structure:
    """Structure of the span of vector fields, in an orthogonal basis of it in which E |xi_k|^2 = 2 E |x|^2 / n.

    For points without a preferred direction it is that of the matrices if the fields are xi_k(x) = L_k x.

    Parameters
    ----------
    fields : xi_i at the points (c, N, n).
    brackets : (D xi_j) xi_i - (D xi_i) xi_j at the points (c, c, N, n); for xi_i(x) = L_i x it is -[L_i, L_j] x.
    length2 : sum of |x|^2 over the points.
    independent : as in `structure_of`.
    """
    unit = np.sqrt(length2 / fields.shape[2])
    values = fields.astype(np.float64) / unit
    combined = np.sqrt(2) * _orthonormal(values.reshape(len(values), values.shape[1] * values.shape[2]), independent)
    of_basis = np.einsum("ia,jb,abpx->ijpx", combined, combined, brackets / -unit, optimize=True)
    return of_brackets(of_basis, np.tensordot(combined, values, axes=1))


def of_brackets(brackets: NDArray[np.floating], basis: NDArray[np.floating], line: str = "") -> Structure:
    """Structure from the brackets (d, d, ...) of a basis (d, ...), matrices or the values of vector fields.

    The constants are those of least squares. Values of fields must be in such units that the sum of their squares does
    not grow with the number of points, as in `structure_of_fields`.
    """
    d = len(basis)
    if not d:
        return Structure(np.zeros((0, 0, 0)), 0.0)
    flat, of_pairs = basis.reshape(d, -1), brackets.reshape(d * d, -1)
    constants = np.linalg.lstsq(flat.T, of_pairs.T, rcond=None)[0].T
    pairs = np.triu_indices(d, 1)
    outside = ((of_pairs - constants @ flat) ** 2).sum(1).reshape(d, d)[pairs].sum()
    length = (flat**2).sum(1)
    scale = np.outer(length, length)[pairs].sum()
    return Structure(constants.reshape(d, d, d), float(np.sqrt(outside / scale)) if scale else 0.0, line)


def orthogonal_basis(generators: NDArray[np.floating], independent: float = 1e-8) -> NDArray[np.float64]:
    """Orthogonal matrices (d, n, n) with tr(L^T L) = 2 that span what the generators (c, n, n) do, d <= c.

    They are the nearest to the generators, where these are independent (Lowdin's symmetric orthogonalisation).
    """
    generators = np.asarray(generators, np.float64)
    flat = generators.reshape(len(generators), -1)
    return np.sqrt(2) * (_orthonormal(flat, independent) @ flat).reshape(-1, *generators.shape[1:])


def _orthonormal(flat: NDArray[np.floating], independent: float) -> NDArray[np.float64]:
    """The combinations (d, c) of vectors (c, n) that are orthonormal, by Lowdin if the vectors are independent."""
    length = np.linalg.norm(flat, axis=1)
    some = length > 0
    if not some.any():
        return np.zeros((0, len(flat)))
    left, singular, _ = np.linalg.svd(flat[some] / length[some, None], full_matrices=False)
    kept = singular > independent * singular[0]
    rows = (left[:, kept] / singular[kept]).T
    combined = np.zeros((len(rows), len(flat)))
    combined[:, some] = (left @ rows if kept.all() else rows) / length[some]
    return combined


def _one_parameter_group(generator: NDArray[np.float64], tolerance: float = 0.05) -> str:
    """What exp(t L) is: rotations if all eigenvalues are imaginary, boosts if they are pairs of opposite real ones."""
    values = np.linalg.eigvals(generator)
    largest = np.abs(values).max()
    if largest <= tolerance:  # nilpotent, as a shear
        return ABELIAN
    small = tolerance * largest
    if np.abs(values.real).max() <= small:
        return "so(2)"
    real = np.sort(values.real)
    opposite = np.abs(real + real[::-1]).max() <= small
    return "so(1,1)" if np.abs(values.imag).max() <= small and opposite else ABELIAN
