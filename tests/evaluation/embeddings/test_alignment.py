"""Alignment and uniformity: closed forms, all pairs written out, and their errors."""

import numpy as np
import pytest

from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.embeddings import alignment
from hepexp.evaluation.embeddings.alignment import alignment_of, on_sphere, uniformity_of

RANDOM = np.random.default_rng(0)


def test_classes_at_single_points_are_aligned_and_opposite_examples_are_not():
    label = np.arange(20) % 2
    points = np.eye(2)[label] * RANDOM.uniform(1, 2, (20, 1))  # of any length
    assert alignment_of(points, label)(np.ones(20)) == pytest.approx(0, abs=1e-12)
    assert alignment_of(np.array([[1.0, 0], [-2.0, 0]]), np.zeros(2))(np.ones(2)) == pytest.approx(4)
    assert np.isnan(alignment_of(points[:2], label[:2])(np.ones(2)))  # no pair of one class


def test_uniformity_of_a_simplex_and_of_a_point():
    assert uniformity_of(np.eye(5))(np.ones(5)) == pytest.approx(-4, rel=1e-6)  # all squared distances are 2
    assert uniformity_of(np.ones((5, 3)))(np.ones(5)) == pytest.approx(0, abs=1e-6)


def test_isotropic_directions_have_the_uniformity_of_the_sphere():
    """In three dimensions E exp(-4 + 4 cos) = exp(-4) sinh(4) / 4, in any number E |u - v|^2 = 2."""
    points = RANDOM.normal(size=(4000, 3))
    assert uniformity_of(points)(np.ones(4000)) == pytest.approx(np.log(np.exp(-4) * np.sinh(4) / 4), abs=0.01)
    assert alignment_of(points, np.zeros(4000))(np.ones(4000)) == pytest.approx(2, abs=0.01)


def test_both_are_weighted_means_over_all_pairs(monkeypatch):
    monkeypatch.setattr(alignment, "AT_ONCE", 64)
    points, label, weight = RANDOM.normal(size=(30, 4)), RANDOM.integers(0, 3, 30), RANDOM.uniform(0.5, 2, 30)
    u = on_sphere(points)
    squares = np.square(u[:, None] - u).sum(2)
    pairs = weight[:, None] * weight * ~np.eye(30, dtype=bool)
    expected = np.log((pairs * np.exp(-2 * squares)).sum() / pairs.sum())
    assert uniformity_of(points, weight)(weight) == pytest.approx(expected, rel=1e-6)
    same = pairs * (label[:, None] == label)
    of_classes = [(same[label == c] * squares[label == c]).sum() / same[label == c].sum() for c in range(3)]
    size = [weight[label == c].sum() for c in range(3)]
    assert alignment_of(points, label)(weight) == pytest.approx(np.average(of_classes, weights=size))


@pytest.mark.parametrize("of", [lambda z: alignment_of(z, np.zeros(len(z))), uniformity_of])
def test_errors_are_the_spread_over_samples(of):
    def sample():
        return RANDOM.normal([1, 0, 0], size=(100, 3))

    spread = np.std([of(sample())(np.ones(100)) for _ in range(300)])
    errors = [with_errors({"x": of(sample())}, 100, seed=1)["x_err"] for _ in range(20)]
    assert np.mean(errors) == pytest.approx(spread, rel=0.2)
