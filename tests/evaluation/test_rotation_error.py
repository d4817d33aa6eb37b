"""The rotation error in closed form."""

import numpy as np
import pytest

from hepexp.evaluation.classifiers.rotation_error import rotation_error

NAME = "symmetry/rotation_error"


def logits(n: int = 400) -> np.ndarray:
    """Two classes of opposite logits of standard deviation 3, and a common part that changes no probability."""
    values = np.random.default_rng(1).normal(size=n)
    values = 3 * (values - values.mean()) / values.std()
    return np.stack([values, -values], 1) + 7


@pytest.mark.parametrize("size", [0.0, 0.3, 3.0])
def test_a_change_of_known_size_is_found_in_units_of_the_spread(size: float):
    change = size * np.random.default_rng(2).choice([-1, 1], (400, 3, 1))
    rotated = logits()[:, None] + change * [1, -1] + 5 * np.random.default_rng(3).normal(size=(400, 3, 1))
    found = rotation_error(logits(), rotated, seed=1)
    assert found[NAME] == pytest.approx(size / 3, abs=1e-12)


def test_a_network_that_says_the_same_of_all_images_has_none():
    same = np.ones((4, 2))
    assert np.isnan(rotation_error(same, np.ones((4, 3, 2)), seed=1)[NAME])
