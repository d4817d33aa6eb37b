"""Intervals of efficiencies against the ones of scipy."""

import numpy as np
from scipy.stats import binomtest, norm

from hepexp.evaluation.efficiency import wilson_interval

ONE_SIGMA = norm.cdf(1) - norm.cdf(-1)


def test_agrees_with_scipy():
    passed, total = np.array([0, 1, 7, 10, 499]), np.array([10, 10, 9, 10, 1000])
    low, high = wilson_interval(passed, total)
    for k, n, a, b in zip(passed, total, low, high, strict=True):
        truth = binomtest(int(k), int(n)).proportion_ci(ONE_SIGMA, "wilson")
        np.testing.assert_allclose((a, b), (truth.low, truth.high), atol=1e-12)


def test_equal_weights_change_nothing_and_unequal_ones_widen():
    low, high = wilson_interval([6.0], [20.0], [40.0])  # ten examples of weight 2
    np.testing.assert_allclose((low, high), wilson_interval([3], [10]))
    wider = wilson_interval([6.0], [20.0], [80.0])
    assert wider[0] < low
    assert wider[1] > high


def test_contains_the_measured_efficiency_inside_the_unit_interval():
    low, high = wilson_interval([0, 5, 5], [5, 5, 10])
    assert low[0] == 0 < high[0] < 0.25
    assert 0.75 < low[1] < high[1] == 1
    assert low[2] < 0.5 < high[2]
