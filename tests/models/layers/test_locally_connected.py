"""Locally connected layers against loops over places, and minibatch discrimination against loops over examples."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from hepexp.models.layers.locally_connected import LocallyConnected2d
from hepexp.models.layers.minibatch_discrimination import MinibatchDiscrimination


def random_layer(*args, **keys) -> LocallyConnected2d:
    torch.manual_seed(1)
    layer = LocallyConnected2d(*args, **keys).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return layer


def by_loops(layer: LocallyConnected2d, x: torch.Tensor) -> torch.Tensor:
    """The definition, one place of the output after the other."""
    p, (rows, columns), (down, right) = layer.padding, layer.kernel, layer.stride
    x = F.pad(x, (p, p, p, p))
    y = x.new_zeros(len(x), layer.weight.shape[2], *layer.out_size)
    for r in range(layer.out_size[0]):
        for c in range(layer.out_size[1]):
            place = r * layer.out_size[1] + c
            patch = x[:, :, r * down : r * down + rows, c * right : c * right + columns].flatten(1)
            y[:, :, r, c] = patch @ layer.weight[place]
            if layer.bias is not None:
                y[:, :, r, c] += layer.bias[place]
    return y


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "bias"),
    [((2, 2), (1, 1), 0, False), ((3, 3), (1, 2), 1, True), ((2, 2), (1, 2), 1, True), ((1, 3), (2, 1), 0, True)],
)
def test_it_is_the_sum_over_each_place_s_own_kernel(kernel, stride, padding, bias):
    layer = random_layer(3, 4, (5, 8), kernel, stride, padding, bias)
    x = torch.randn(2, 3, 5, 8, dtype=torch.float64, requires_grad=True)
    expected = by_loops(layer, x)
    assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)
    assert layer(x).shape[2:] == layer.out_size
    weights = torch.randn_like(expected)
    ours, theirs = (torch.autograd.grad((y * weights).sum(), x)[0] for y in (layer(x), expected))
    assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_with_equal_kernels_it_is_a_convolution():
    layer = random_layer(3, 4, (6, 7), (3, 2), padding=1)
    with torch.no_grad():
        layer.weight.copy_(layer.weight[:1].expand_as(layer.weight))
        layer.bias.zero_()
    kernel = layer.weight[0].T.reshape(4, 3, 3, 2)
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    assert_close(layer(x), F.conv2d(x, kernel, padding=1), rtol=1e-12, atol=1e-12)


def test_minibatch_discrimination_is_its_definition():
    torch.manual_seed(1)
    layer, x = MinibatchDiscrimination(5, 3, 4).double(), torch.randn(6, 5, dtype=torch.float64)
    m = (x @ layer.projection.weight.T).reshape(6, 3, 4)
    expected = torch.zeros(6, 3, dtype=torch.float64)
    for i in range(6):
        for j in range(6):
            expected[i] += torch.exp(-(m[i] - m[j]).abs().sum(1))
    assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)


def test_minibatch_discrimination_sees_a_collapse_and_gradients_are_finite():
    torch.manual_seed(1)
    layer = MinibatchDiscrimination(5).double()
    equal = torch.ones(6, 5, dtype=torch.float64, requires_grad=True)
    assert_close(layer(equal), torch.full((6, 10), 6.0, dtype=torch.float64))
    far = 1e3 * torch.randn(6, 5, dtype=torch.float64)
    assert_close(layer(far), torch.ones(6, 10, dtype=torch.float64), rtol=0, atol=1e-6)
    layer(equal).sum().backward()
    assert equal.grad.isfinite().all()
