"""Algebras, angles between subspaces of matrices, and invariant metrics, in float64."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm

from hepexp.symmetry.algebra import ALGEBRAS, principal_angles, random_angle, so2, so13
from hepexp.symmetry.metric_tensor import metric_of, traceless

ETA = np.diag([1.0, -1.0, -1.0, -1.0])


def gl(n: int) -> np.ndarray:
    return np.eye(n * n).reshape(n * n, n, n)


def other_basis(generators: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same span in a random rotation of the basis."""
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(generators),) * 2))
    return np.tensordot(rotation, generators, axes=1)


def boost_and_turn(seed: int = 0) -> np.ndarray:
    return expm(np.tensordot(np.random.default_rng(seed).normal(0, 0.7, 6), so13().basis, axes=1))


@pytest.mark.parametrize("name", ALGEBRAS)
def test_exponentials_of_an_algebra_keep_its_metric_and_brackets_stay_in_it(name):
    algebra = ALGEBRAS[name]()
    z = np.random.default_rng(1).normal(size=len(algebra.basis))
    g = expm(np.tensordot(z, algebra.basis, axes=1))
    assert_allclose(g.T @ algebra.metric @ g, algebra.metric, atol=1e-12)
    for a in algebra.basis:
        for b in algebra.basis:
            bracket = a @ b - b @ a
            if bracket.any():
                assert_allclose(principal_angles(bracket[None], algebra.basis), 0, atol=1e-12)


def test_angles_are_those_of_the_construction_and_do_not_depend_on_the_basis():
    rotations, scaling = so2().basis, np.eye(2)[None] / np.sqrt(2)
    for degrees in (0.0, 1e-6, 5.0, 90.0):
        turned = np.cos(np.deg2rad(degrees)) * rotations / np.sqrt(2) + np.sin(np.deg2rad(degrees)) * scaling
        assert_allclose(principal_angles(-3 * turned, rotations), [degrees], atol=1e-12)
    learnt = np.random.default_rng(2).normal(size=(5, 4, 4))
    angles = principal_angles(learnt, so13().basis)
    assert len(angles) == 5
    assert_allclose(principal_angles(other_basis(learnt), other_basis(so13().basis, 1)), angles, atol=1e-10)


def test_a_span_that_contains_the_algebra_is_at_no_angle_and_vanishing_generators_have_none():
    larger = np.concatenate([so13().basis, np.eye(4)[None]])
    assert_allclose(principal_angles(other_basis(larger), so13().basis), 0, atol=1e-12)
    assert len(principal_angles(np.zeros((3, 4, 4)), so13().basis)) == 0
    doubled = np.concatenate([so2().basis, 2 * so2().basis])
    assert_allclose(principal_angles(doubled, so2().basis), [0], atol=1e-12)


def test_random_generators_are_far_from_the_lorentz_algebra():
    assert random_angle(so13(), channels=6) > 60
    # the angle of two random lines in four dimensions: its cosine has density 4 / pi sqrt(1 - c^2), median 0.404
    assert random_angle(so2(), channels=1, draws=20_000) == pytest.approx(np.rad2deg(np.arccos(0.404)), abs=1.0)


@pytest.mark.parametrize("generators", [so13().basis, other_basis(so13().basis), 50 * so13().basis])
def test_the_metric_of_the_lorentz_algebra_is_minkowski_s(generators):
    found = metric_of(generators)
    assert found.dimension == 1
    assert_allclose(found.J, ETA, atol=1e-12)
    assert found.angle_to(-ETA) < 1e-10
    assert found.smallest < 1e-14


def test_the_metric_of_rotations_of_the_plane_is_the_identity():
    found = metric_of(-2 * so2().basis)
    assert (found.dimension, found.smallest < 1e-14) == (1, True)
    assert_allclose(found.J, np.eye(2), atol=1e-12)


def test_the_metric_follows_a_change_of_coordinates():
    # L' = S L S^-1 keeps J' = S^-T J S^-1
    s = np.eye(4) + 0.2 * np.random.default_rng(3).normal(size=(4, 4))
    inverse = np.linalg.inv(s)
    expected = inverse.T @ ETA @ inverse
    found = metric_of(s @ so13().basis @ inverse)
    assert_allclose(found.J, 2 * expected / np.linalg.norm(expected), atol=1e-12)
    g = boost_and_turn()
    assert_allclose(metric_of(g @ so13().basis @ np.linalg.inv(g)).J, ETA, atol=1e-11)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_all_matrices_leave_no_metric_and_the_singular_value_says_so(n):
    # sum_ij |E_ij^T J + J E_ij|^2 = (2 n + 2) |J|^2 for every symmetric J: no direction is better than another
    found = metric_of(gl(n))
    assert found.J is None
    assert_allclose(found.spectrum, np.sqrt(2 * n + 2), rtol=1e-12)
    assert found.smallest == pytest.approx(1, abs=1e-12)
    assert np.linalg.norm(found.nearest) == pytest.approx(np.sqrt(n))
    assert "no metric is invariant (smallest singular value 1 of" in str(found)


def test_a_scaling_leaves_no_metric_and_no_generator_leaves_them_all():
    assert metric_of(np.eye(3)[None]).J is None
    nothing = metric_of(np.zeros((2, 3, 3)))
    assert (nothing.J, nothing.dimension) == (None, 6)
    assert np.isnan(nothing.smallest)  # 0 would be an exact metric


def test_with_dilations_a_metric_is_left_up_to_a_factor():
    conformal = other_basis(np.concatenate([so13().basis, np.eye(4)[None]]))
    assert metric_of(conformal).J is None
    assert_allclose(metric_of(traceless(conformal)).J, ETA, atol=1e-12)
    assert metric_of(traceless(gl(4))).J is None


def test_a_single_rotation_in_space_time_leaves_several_metrics():
    rotation = so13().basis[-1:]  # of y and z: keeps E^2, px^2, E px and y^2 + z^2
    found = metric_of(rotation)
    assert found.dimension == 4
    assert_allclose(rotation[0].T @ found.J + found.J @ rotation[0], 0, atol=1e-12)
    assert "4 invariant metrics" in str(found)


def test_noise_on_the_generators_shows_in_the_singular_value():
    noisy = so13().basis + 0.01 * np.random.default_rng(4).normal(size=(6, 4, 4))
    found = metric_of(noisy, tolerance=0.05)
    assert 1e-3 < found.smallest < 0.05
    assert found.J is not None
    assert found.angle_to(ETA) < 3
    assert metric_of(noisy).J is None
