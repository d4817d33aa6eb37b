"""Products and dropout of a CPU are those of torch."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from hepexp.models.layers.fast_linear import Dropout, Linear, product


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (0, 3)])
def test_a_product_and_its_gradients_are_those_of_torch(dtype, shape):
    torch.manual_seed(0)
    layer, x = Linear(3, 4).to(dtype), torch.randn(shape, dtype=dtype, requires_grad=True)
    found, expected = layer(x), F.linear(x, layer.weight, layer.bias)
    assert_close(found, expected)
    inputs, slope = (x, layer.weight, layer.bias), torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(found, inputs, slope), torch.autograd.grad(expected, inputs, slope), strict=True
    ):
        assert_close(one, other)


def test_a_gradient_of_a_gradient_is_known():
    torch.manual_seed(0)
    x, weight = torch.randn(5, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    second = []
    for multiply in (product, F.linear):
        (slope,) = torch.autograd.grad(multiply(x, weight).square().sum(), x, create_graph=True)
        second.append(torch.autograd.grad(slope.square().sum(), weight)[0])
    assert_close(*second)


def test_elements_are_dropped_with_the_probability_and_their_mean_is_kept():
    torch.manual_seed(0)
    layer, x = Dropout(0.1), torch.ones(401, 499, requires_grad=True)  # no multiple of four
    found = layer(x)
    assert found.unique().tolist() == pytest.approx([0, 1 / 0.9], rel=1e-4)
    assert (found == 0).double().mean().item() == pytest.approx(0.1, abs=5 * (0.09 / x.numel()) ** 0.5)
    rows = (found == 0).double()
    assert torch.corrcoef(torch.stack([rows[:, :-1].flatten(), rows[:, 1:].flatten()]))[0, 1].abs() < 0.01
    (slope,) = torch.autograd.grad(found.sum(), x)
    assert torch.equal(slope, found)
    torch.manual_seed(0)
    assert torch.equal(layer(x), found)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_the_compiler_sees_dropout_as_one_graph():
    layer, x = Dropout(0.5), torch.ones(8, 64)
    torch._dynamo.reset()
    assert torch.compile(layer, backend="eager", fullgraph=True)(x).unique().tolist() == [0, 2]
