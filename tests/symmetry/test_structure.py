"""Structure constants, Killing forms and names of algebras against closed forms, in float64."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hepexp.symmetry.algebra import of_metric, so2, so3, so13
from hepexp.symmetry.structure import of_brackets, orthogonal_basis, structure_of, structure_of_fields

LEVI_CIVITA = np.zeros((3, 3, 3))
for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    LEVI_CIVITA[i, j, k], LEVI_CIVITA[j, i, k] = 1, -1
SHEARS = np.array(
    [[[0.0, 1, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 1], [0, 0, 0]], [[0, 0, 1], [0, 0, 0], [0, 0, 0]]]
)


def mixed(generators: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same span in a random basis that is not orthogonal."""
    matrix = np.random.default_rng(seed).normal(size=(len(generators),) * 2)
    return np.tensordot(matrix, generators, axes=1)


def conjugated(generators: np.ndarray, seed: int = 1) -> np.ndarray:
    """S L S^-1, the same algebra in other coordinates."""
    n = generators.shape[-1]
    s = np.eye(n) + 0.2 * np.random.default_rng(seed).normal(size=(n, n))
    return s @ generators @ np.linalg.inv(s)


def gl(n: int) -> np.ndarray:
    return np.eye(n * n).reshape(n * n, n, n)


def block(*algebras: np.ndarray) -> np.ndarray:
    """The direct sum, each algebra on vectors of its own."""
    n, start, made = sum(one.shape[-1] for one in algebras), 0, []
    for one in algebras:
        made.append(np.zeros((len(one), n, n)))
        made[-1][:, start : start + one.shape[-1], start : start + one.shape[-1]] = one
        start += one.shape[-1]
    return np.concatenate(made)


def test_the_constants_of_rotations_are_the_levi_civita_symbol_in_any_orthogonal_basis():
    for generators in (so3().basis, mixed(so3().basis)):
        found = structure_of(generators)
        assert_allclose(np.sign(found.constants[0, 1, 2]) * found.constants, LEVI_CIVITA, atol=1e-12)
        assert_allclose(found.killing, -2 * np.eye(3), atol=1e-12)
        assert found.residual < 1e-12


def test_brackets_of_boosts_are_rotations_and_the_killing_form_tells_them_apart():
    found = structure_of(so13().basis)
    basis = orthogonal_basis(so13().basis)
    assert_allclose(basis, so13().basis, atol=1e-12)  # it is orthogonal as it is
    for i, j in combinations(range(6), 2):
        bracket = basis[i] @ basis[j] - basis[j] @ basis[i]
        assert_allclose(np.tensordot(found.constants[i, j], basis, axes=1), bracket, atol=1e-12)
    # of so(p, q) in n dimensions K(X, Y) = (n - 2) tr(X Y): 4 for a boost, -4 for a rotation
    assert_allclose(found.killing, np.diag([4.0, 4, 4, -4, -4, -4]), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "generators"),
    [
        ("so(2)", so2().basis),
        ("so(1,1)", of_metric("", (1.0, -1.0)).basis),
        ("abelian", np.eye(2)[None]),
        ("abelian", SHEARS[:1]),
        ("abelian", np.concatenate([so2().basis, np.eye(2)[None]])),
        ("so(3)", so3().basis),
        ("so(1,2)", of_metric("", (1.0, -1.0, -1.0)).basis),
        ("so(3) + R", np.concatenate([so3().basis, np.eye(3)[None]])),
        ("so(1,3)", so13().basis),
        ("so(1,3) + R", np.concatenate([so13().basis, np.eye(4)[None]])),
        ("so(4)", of_metric("", (1.0,) * 4).basis),
        ("so(2,2)", of_metric("", (1.0, 1.0, -1.0, -1.0)).basis),
        ("so(3) + so(1,2)", block(so3().basis, of_metric("", (1.0, -1.0, -1.0)).basis)),
        ("so(3) + R^2", block(so3().basis, so2().basis, so2().basis)),
        (
            "semisimple with Killing form (5, 3)",
            gl(3)[:8] - np.trace(gl(3)[:8], axis1=1, axis2=2)[:, None, None] / 3 * np.eye(3),
        ),
        ("not semisimple, of dimension 3", SHEARS),  # Heisenberg's, with Killing form 0
        ("not semisimple, of dimension 2", np.array([[[1.0, 0], [0, 0]], [[0, 1], [0, 0]]])),  # affine maps of a line
        ("no algebra", so3().basis[:2]),
    ],
)
def test_an_algebra_has_its_name_in_any_basis_and_any_coordinates(name, generators):
    for same in (generators, mixed(generators), conjugated(generators), mixed(conjugated(generators), 2)):
        assert structure_of(same).name() == name
    off = 1e-3 * np.random.default_rng(3).normal(size=generators.shape)
    assert structure_of(generators + off).name(tolerance=0.05) == name


def test_two_rotations_miss_the_third_by_as_much_as_it_is_long():
    # [L_1, L_2] = -L_3, with |L|^2 = 2 for each: sqrt(2 / (2 x 2))
    assert structure_of(so3().basis[:2]).residual == pytest.approx(np.sqrt(0.5), abs=1e-12)


def test_generators_that_vanish_or_repeat_count_once_or_not_at_all():
    assert structure_of(np.zeros((2, 3, 3))).name() == "none"
    repeated = np.concatenate([so2().basis, -3 * so2().basis, np.zeros((1, 2, 2))])
    assert structure_of(repeated).constants.shape == (1, 1, 1)
    assert structure_of(repeated).name() == "so(2)"


def test_brackets_of_vector_fields_have_the_constants_of_their_matrices():
    x = np.random.default_rng(0).normal(size=(50, 3))
    fields = np.einsum("aij,bj->abi", so3().basis, x)
    # [xi_a, xi_b] = (D xi_b) xi_a - (D xi_a) xi_b = (L_b L_a - L_a L_b) x
    products = np.einsum("aij,bjk,nk->abni", so3().basis, so3().basis, x)
    found = of_brackets(products.swapaxes(0, 1) - products, fields)
    assert_allclose(found.constants, -structure_of(so3().basis).constants, atol=1e-12)
    assert found.name() == "so(3)"


def fields_of(generators: np.ndarray, n_points: int, unit: float = 1.0) -> tuple[np.ndarray, np.ndarray, float]:
    """The fields x -> L x at points without a preferred direction, exactly so in their second moments."""
    x = np.random.default_rng(0).normal(size=(n_points, generators.shape[-1]))
    x = unit * x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / n_points)).T
    products = np.einsum("aij,bjk,nk->abni", generators, generators, x)
    return np.einsum("aij,bj->abi", generators, x), products.swapaxes(0, 1) - products, (x**2).sum()


@pytest.mark.parametrize("n_points", [50, 5000])
@pytest.mark.parametrize("unit", [1e-2, 1.0, 1e3])
def test_fields_have_the_structure_of_their_matrices_whatever_the_number_of_points_and_the_unit(n_points, unit):
    two = structure_of_fields(*fields_of(so3().basis[:2], n_points, unit))
    assert two.residual == pytest.approx(structure_of(so3().basis[:2]).residual, abs=1e-9)
    assert two.name(0.2) == "no algebra"
    for scale in (1.0, 30.0):
        three = structure_of_fields(*fields_of(scale * so3().basis, n_points, unit))
        assert_allclose(three.constants, structure_of(so3().basis).constants, atol=1e-9)
        assert three.residual < 1e-9
        assert three.name(0.2) == "so(3)"


def test_a_field_that_repeats_another_or_vanishes_is_no_dimension():
    same = np.concatenate([so3().basis, 2 * so3().basis[:1], np.zeros((1, 3, 3))])
    found = structure_of_fields(*fields_of(same, 50), independent=1e-6)
    assert found.constants.shape == (3, 3, 3)
    assert found.name() == "so(3)"
    assert structure_of_fields(*fields_of(np.zeros((0, 3, 3)), 50)).name() == "none"
