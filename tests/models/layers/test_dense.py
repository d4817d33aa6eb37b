"""Dense networks: their layers, and the names of their weights, which checkpoints keep."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.models.layers.dense import dense, hidden_layers


def test_a_dense_network_is_its_affine_maps_with_activations_between():
    network = dense(3, [4, 5], 2, nn.ReLU).double()
    first, _, second, _, last = network
    x = torch.randn(7, 3, dtype=torch.float64)
    h = (x @ first.weight.T + first.bias).clamp(min=0)
    h = (h @ second.weight.T + second.bias).clamp(min=0)
    assert_close(network(x), h @ last.weight.T + last.bias)


@pytest.mark.parametrize(("dropout", "names"), [(None, "024"), (0.0, "036"), (0.5, "036")])
def test_the_names_of_weights_count_the_activations_and_dropouts(dropout, names):
    network = dense(3, [4, 5], 2, nn.ReLU, dropout)
    assert list(network.state_dict()) == [f"{n}.{what}" for n in names for what in ("weight", "bias")]


def test_hidden_layers_end_with_an_activation():
    network = hidden_layers(3, [4, 5], nn.ReLU)
    assert [type(layer) for layer in network] == [nn.Linear, nn.ReLU] * 2
    assert network(torch.randn(7, 3)).min() >= 0


def test_without_hidden_layers_a_dense_network_is_linear():
    (layer,) = dense(3, [], 2, nn.ReLU)
    assert layer.weight.shape == (2, 3)
