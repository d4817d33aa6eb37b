"""Weights that are counts give what the repeated values give."""

import numpy as np
import pytest

from hepexp.evaluation.weighted_statistics import deviation_of, median_of


@pytest.mark.parametrize(("of", "numpys"), [(median_of, np.median), (deviation_of, np.std)])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_counts_are_repetitions(of, numpys, kind):
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=31), rng.integers(0, 4, size=31)
    expected = numpys(np.repeat(values, counts))
    assert of(values)(counts.astype(kind)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("of", [median_of, deviation_of])
def test_values_that_are_not_finite_do_not_count(of):
    values, weight = np.array([1.0, np.nan, 4.0, np.inf, 6.0]), np.array([1, 5, 2, 5, 3])
    assert of(values)(weight) == of(values[[0, 2, 4]])(weight[[0, 2, 4]])
    assert np.isnan(of(values)(np.zeros(5)))
