"""Scales of kinematic inputs: what would leave nothing of an input is refused."""

import math

import pytest

from hepexp.errors import ConfigError
from hepexp.models.layers.kinematic_features import SCALES, check_scales


@pytest.mark.parametrize(
    "pair",
    [(1.7, 0), (1.7, math.inf), (1.7, math.nan), (math.nan, 1), (-math.inf, 1), (1.7, 1e9), (1.7, -1e-9), (1e6, 0.7)],
)
@pytest.mark.parametrize("name", SCALES)
def test_a_scale_that_leaves_nothing_of_an_input_is_refused(name, pair):
    with pytest.raises(ConfigError, match=rf"^model.scales.{name} must be a shift from -100 to 100 and a factor from"):
        check_scales({**SCALES, name: pair})


def test_others_are_taken_as_they_are():
    assert check_scales({**SCALES, "log_pt": [0, -2]}) == {**SCALES, "log_pt": (0.0, -2.0)}
