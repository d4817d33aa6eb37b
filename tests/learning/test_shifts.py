"""Which shifts make a template together."""

import pytest

from hepexp.data.transforms.shift import Shift
from hepexp.learning.shifts import pairs


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["p4.scale=1.01,0.99"], {"p4.scale": (0, 1)}),
        (["p4.scale=0.99,1.01"], {"p4.scale": (1, 0)}),  # up is what is above nominal, however it is written
        (["p4.scale=0.99", "p4.scale=1.01"], {"p4.scale": (1, 0)}),
        (["p4.scale=0.99"], {"p4.scale": (None, 0)}),
        (["p4.smear=0.05,0.1"], {"p4.smear=0.05": (0, None), "p4.smear=0.1": (1, None)}),  # neither is the other's down
        (["d0.add=-1,-2"], {"d0.add=-1": (None, 0), "d0.add=-2": (None, 1)}),
        (
            ["p4.scale=1.01,0.99", "p4.drop=0.02", "p4.scale=1.02,0.98"],
            {"p4.scale=1.01,0.99": (0, 1), "p4.scale=1.02,0.98": (3, 4), "p4.drop": (2, None)},
        ),
    ],
)
def test_up_and_down_are_on_either_side_of_nominal(texts: list[str], expected: dict):
    assert pairs([shift for text in texts for shift in Shift.read(text)]) == expected
