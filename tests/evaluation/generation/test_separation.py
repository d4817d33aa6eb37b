"""Separation power against its closed forms, and the keys of classifiers."""

import numpy as np
import pytest

from hepexp.errors import ConfigError
from hepexp.evaluation.generation.classifier_keys import ClassifierKeys
from hepexp.evaluation.generation.histogram import bins
from hepexp.evaluation.generation.separation import Separation


def columns(*values: np.ndarray) -> np.ndarray:
    return np.stack(values, 1)


def test_equal_samples_are_not_separated_and_disjoint_ones_are_in_full():
    x = np.random.default_rng(0).random((500, 1))
    assert Separation(x, x).value == 0
    assert Separation(x, x + 5).value == pytest.approx(1, abs=0.005)  # a few true values are beyond the bins, too
    zero, one = np.zeros((50, 1)), np.ones((50, 1))
    assert Separation(np.concatenate([zero, one]), one).value == pytest.approx(0.5 * (0.5 + 0.25 / 1.5))


def test_it_is_the_sum_over_the_bins_of_the_figures():
    random = np.random.default_rng(0)
    true, made = random.normal(size=2000), random.normal(0.3, 1.2, size=1500)
    edges, _ = bins(true)
    wide = np.concatenate([[-np.inf], edges, [np.inf]])
    h, other = (np.histogram(x, wide)[0] / len(x) for x in (true, made))
    there = h + other > 0
    expected = 0.5 * ((h - other)[there] ** 2 / (h + other)[there]).sum()
    assert Separation(columns(true), columns(made)).value == pytest.approx(expected, rel=1e-12)


def test_equal_distributions_have_half_the_number_of_bins_over_that_of_examples():
    """(h - h')^2 is 2h / n on average, and h + h' is 2h: each bin has 1 / n, and S half of it."""
    random = np.random.default_rng(0)
    n = 4000
    found = [Separation(*random.random((2, n, 1))).value for _ in range(20)]
    assert np.mean(found) == pytest.approx(40 / (2 * n), rel=0.15)


def test_several_quantities_are_averaged_and_the_error_is_that_of_replicas():
    random = np.random.default_rng(0)
    true, made = random.normal(size=(2, 1000, 2))
    made[:, 1] += 1
    both, each = Separation(true, made), Separation(true, made).of_each()
    assert both.value == pytest.approx(each.mean())
    assert each[1] > 10 * each[0]
    repeated = [
        Separation(*(random.normal(size=(1000, 2)) + np.array([0, k]) for k in (0, 1))).value for _ in range(40)
    ]
    assert both.error(seed=1) == pytest.approx(np.std(repeated), rel=0.5)


def test_a_constant_is_one_bin():
    ones = np.ones((20, 1))
    assert Separation(ones, ones).value == 0
    assert Separation(ones, 2 * ones).value == 1


def test_the_parts_of_a_classifier_are_three_fifths_a_fifth_and_a_fifth_of_all():
    ((train, choose, test),) = ClassifierKeys().parts(100, seed=1)
    assert [len(part) for part in (train, choose, test)] == [60, 20, 20]
    assert sorted(np.concatenate([train, choose, test])) == list(range(100))
    rolled = ClassifierKeys(splits=5).parts(103, seed=1)
    assert sorted(np.concatenate([test for _, _, test in rolled])) == list(range(103))
    assert ClassifierKeys().parts(4, seed=1) == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"widths": ()}, r"evaluation.classifier_widths must be one or more widths from 1 to 100,000, got \[\]"),
        ({"widths": (8, 0)}, r"evaluation.classifier_widths must be .*, got \[8, 0\]"),
        ({"epochs": -1}, "evaluation.classifier_epochs must be from 0 to 100,000, got -1"),
        ({"splits": 6}, "evaluation.classifier_splits must be from 1 to 5, got 6"),
    ],
)
def test_keys_out_of_range_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        ClassifierKeys(**keys)
