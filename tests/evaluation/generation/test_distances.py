"""Distances between samples against closed forms."""

import numpy as np
import pytest

from hepexp.evaluation.generation.coverage import MISSING, coverage_and_mmd, energy_movers_distance
from hepexp.evaluation.generation.physics_distances import fpd, frechet, kpd, mmd2
from hepexp.evaluation.generation.wasserstein import Wasserstein, w1


def test_moving_a_sample_costs_the_distance():
    x = np.random.default_rng(0).normal(size=500)
    assert w1(x, x + 0.3) == pytest.approx(0.3, rel=1e-12)
    assert w1(x, x) == 0
    assert w1(np.array([0.0, 1.0]), np.array([0.0])) == pytest.approx(0.5)


def test_it_agrees_with_scipy_also_for_samples_of_different_size():
    from scipy.stats import wasserstein_distance

    random = np.random.default_rng(0)
    x, y = random.normal(size=300), random.exponential(size=700)
    assert w1(x, y) == pytest.approx(wasserstein_distance(x, y), rel=1e-12)
    found = Wasserstein(np.stack([x, x**2], 1), np.stack([y, y**2], 1))
    expected = (wasserstein_distance(x, y) + wasserstein_distance(x**2, y**2)) / 2
    assert found.value == pytest.approx(expected, rel=1e-12)


def test_a_value_that_counts_twice_is_there_twice():
    x, y = np.array([0.0, 1.0, 5.0]), np.array([2.0, 3.0])
    assert w1(x, y, np.array([1, 2, 0])) == pytest.approx(w1(np.array([0.0, 1.0, 1.0]), y), rel=1e-12)


def test_elements_are_drawn_with_their_example():
    """A single example with many elements has no spread over replicas."""
    x, y = np.random.default_rng(0).normal(size=(2, 50, 1))
    one = Wasserstein(x, y, np.zeros(50, np.int64), np.zeros(50, np.int64))
    assert one.error(seed=1) == pytest.approx(0, abs=1e-12)
    assert Wasserstein(x, y).error(seed=1) > 0.01


def test_frechet_distance_of_normal_samples_is_that_of_their_moments():
    random = np.random.default_rng(0)
    x = random.normal(size=(200_000, 3))
    y = 2 * random.normal(size=(200_000, 3)) + np.array([1.0, 0.0, -2.0])
    assert frechet(x, y) == pytest.approx(1 + 4 + 3 * (1 + 4 - 2 * 2), rel=0.01)
    assert frechet(x, x) == pytest.approx(0, abs=1e-6)
    constant = np.concatenate([x, np.ones((len(x), 1))], 1)
    assert frechet(constant, constant + np.array([0, 0, 0, 2.0])) == pytest.approx(4, abs=1e-6)


def test_the_extrapolation_of_batches_is_the_distance_of_the_samples_themselves():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 2000, 20))
    value, error = fpd(x, y, seed=1)
    largest = np.abs(x).max(0)
    assert value == pytest.approx(frechet(x / largest, y / largest), rel=0.1)
    assert fpd(x, y + 1, seed=1)[0] > 10 * error


def test_both_distances_have_the_digits_of_jetnet():
    """What `fpd(x, y, min_samples=400, max_samples=1000)` and `kpd(x, y, batch_size=500)` of jetnet 0.2.5 return."""
    random = np.random.default_rng(3)
    x, y = random.normal(size=(1000, 5)), random.normal(0.1, 1.1, size=(1200, 5))
    assert fpd(x, y, seed=42)[0] == pytest.approx(0.009564950614293443, rel=1e-6)  # theirs is a numerical fit
    assert kpd(x, y, seed=42) == pytest.approx((0.002216155071379511, 0.0017179584527238824), rel=1e-9)


def test_the_discrepancy_of_the_kernel_vanishes_for_equal_distributions_alone():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 1000, 4))
    assert abs(mmd2(x, y)) < 0.05
    mean = np.array([[2.0]])  # two points each, kernel (1 + x y)^4
    assert mmd2(np.concatenate([mean, mean]), np.zeros((2, 1))) == pytest.approx(5**4 + 1 - 2 * 1)
    value, error = kpd(x, x + 3, seed=1)
    assert value > 10 * error


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_the_work_between_jets_is_that_of_the_closed_form():
    one = np.array([[0.0, 0.0, 0.6], [0.0, 0.0, 0.0]])  # padding does not count
    there = np.array([[0.3, 0.4, 0.6]])
    assert energy_movers_distance(one, there) == pytest.approx(0.6 * 0.5)
    assert energy_movers_distance(one, np.array([[0.3, 0.4, 1.0]])) == pytest.approx(0.6 * 0.5 + 0.4)
    halves = np.array([[0.2, 0.0, 0.3], [-0.2, 0.0, 0.3]])
    assert energy_movers_distance(one, halves) == pytest.approx(0.6 * 0.2)
    assert energy_movers_distance(halves, halves) == pytest.approx(0, abs=1e-12)


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_generator_of_one_jet_covers_one_jet():
    jets = np.random.default_rng(0).random((200, 3, 3))
    collapsed = np.repeat(jets[:1], 200, axis=0)
    found = coverage_and_mmd(jets, collapsed, seed=1)
    assert found["cov"][0] == pytest.approx(0.01)
    truth = coverage_and_mmd(jets, jets, seed=1)
    assert truth["mmd"][0] < found["mmd"][0]
