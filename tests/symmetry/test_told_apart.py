"""New critics cannot tell what a symmetry has moved, and can tell anything else."""

import numpy as np
import pytest

from hepexp.data.datasets.four_vectors.generate import SHELL, four_vectors
from hepexp.symmetry.algebra import so2, so13
from hepexp.symmetry.told_apart import SYMMETRY, _parameter, _terms, told_apart

N = 2000


def shells(n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (n, 1, 4) of the three mass shells in random order, and their labels."""
    label = np.random.default_rng(1).integers(0, len(SHELL), n)
    x = np.zeros((n, 1, 4))
    for i, kind in enumerate(SHELL):
        x[label == i, 0] = four_vectors(kind, int((label == i).sum()), np.random.default_rng(i))
    return x, label


def test_boosts_and_rotations_of_mass_shells_are_not_told_apart_and_dilations_are():
    x, label = shells()
    for generator in so13().basis:
        accuracy = told_apart(x, label, generator, 0.1, seed=1).mean()
        assert abs(accuracy - 0.5) < 4 * 0.5 / np.sqrt(N)
        assert accuracy <= SYMMETRY
    euclidean = np.zeros((4, 4))
    euclidean[0, 1], euclidean[1, 0] = 1, -1
    for generator in (np.eye(4), euclidean):
        assert told_apart(x, label, generator, 0.1, seed=1).mean() > 0.7


def test_classes_exchanged_by_a_rotation_are_told_apart_by_their_label():
    # two points of different labels, opposite to each other: as a whole they keep a rotation by pi
    label = np.arange(N) % 2
    x = np.random.default_rng(0).normal(0, 0.02, (N, 1, 2)) + np.where(label, 1.0, -1.0)[:, None, None] * [1, 0]
    assert told_apart(x, label, so2().basis[0], 1.0, seed=1).mean() > 0.95


def test_examples_are_moved_as_far_as_asked():
    x, _ = shells(500)
    weight = np.ones(len(x))
    # a dilation by e^t and e^-t moves by (e^t - e^-t) / 2 of the length on average
    assert _parameter(x, np.eye(4), 0.3, weight) == pytest.approx(np.arcsinh(0.3), rel=1e-4)
    # a rotation of the plane by t moves by 2 sin(t / 2), whatever the size of its generator
    assert _parameter(x[..., :2], 5 * so2().basis[0], 0.3, weight) == pytest.approx(
        2 * np.arcsin(0.15) / 5 / np.abs(so2().basis).max(), rel=1e-4
    )


def test_generators_that_move_nothing_are_not_judged():
    x, label = shells(100)
    assert told_apart(x, label, np.zeros((4, 4)), 0.3, seed=1) is None
    assert told_apart(0 * x, label, np.eye(4), 0.3, seed=1) is None
    turn = np.zeros((4, 4))
    turn[2, 3], turn[3, 2] = 1, -1
    assert told_apart(x * [1, 1, 0, 0], label, turn, 0.3, seed=1) is None


def test_examples_without_weight_do_not_count():
    x, label = shells()
    broken = np.arange(N) % 2 == 0
    x[broken, 0] = [3.0, 1.0, 0.0, 0.0]  # a point, which no boost along z keeps
    boost = so13().basis[2]
    assert told_apart(x, label, boost, 0.3, seed=1)[broken].mean() > 0.9
    right = told_apart(x, label, boost, 0.3, seed=1, weight=np.where(broken, 0.0, 1.0))
    assert abs(right[~broken].mean() - 0.5) < 4 * 0.5 / np.sqrt(N / 2)


def test_more_components_are_judged_by_polynomials_of_a_lower_degree():
    # eight components in two classes have 990 monomials up to degree four, and 90 up to degree two
    x = np.random.default_rng(0).normal(size=(1000, 2, 4))
    label = np.arange(1000) % 2
    assert _terms(x, label).shape == (1000, 90)
    assert _terms(x[:, :1], label).shape == (1000, 140)
    turn = np.zeros((4, 4))
    turn[0, 1], turn[1, 0] = 1, -1
    assert abs(told_apart(x, label, turn, 0.3, seed=1).mean() - 0.5) < 4 * 0.5 / np.sqrt(1000)
    assert told_apart(x * [1, 0.3, 1, 1], label, turn, 0.3, seed=1).mean() > 0.6


def test_the_same_seed_gives_the_same_verdict():
    x, label = shells(300)
    first, second = (told_apart(x, label, np.eye(4), 0.1, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, second)
