"""A trained run is judged and asked for scores, which are numbers or refused."""

import math
from types import MethodType

import pytest

from hepexp.errors import HepexpError
from hepexp.learning.trained import evaluate, predict
from tests.learning.toy import toy_components


@pytest.mark.parametrize("ask", [evaluate, predict])
@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_refused_with_its_example(ask, number):
    components = toy_components()
    components.module.objective.outputs = MethodType(
        lambda self, model, batch: {"scores": model(batch).softmax(dim=1)}, components.module.objective
    )
    assert len(ask(components, components.data.val_dataloader())["scores"]) == 32
    components.data.p4[7, 0, 1] = number
    with pytest.raises(HepexpError, match=r"the scores of 1 of 32 examples are NaN or infinite, first for example 7"):
        ask(components, components.data.val_dataloader())
