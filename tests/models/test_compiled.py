"""`trainer.compile=true` on a CPU, where kernels of our own stand between what is compiled."""

import pytest
import torch
from torch.testing import assert_close

from tests.models.conformance import Case

# with kernels of our own, of messages, edge convolutions and sums over pairs, and examples for several pieces
KERNELS = ["lorentznet n_hidden=4 dropout=0", "particlenet channels=[4,6,8] dropout=0", "pelican size=xs dropout=0"]


@pytest.mark.parametrize("text", KERNELS)
def test_a_model_has_the_same_gradients_when_it_is_compiled(text):
    case = Case(text, 0)
    model, batch = case.build(torch.float32).train(), case.examples.random(8)
    torch._dynamo.reset()
    found = []
    for forward in (model, torch.compile(model, backend="eager")):
        torch.manual_seed(1)
        forward(batch)[:, 0].sum().backward()
        found.append([p.grad for p in model.parameters()])
        model.zero_grad()
    assert_close(*found, rtol=1e-4, atol=1e-5)
