"""The quantum graph network: its messages one edge at a time, its twin, and what it refuses."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers.circuit_convolution import CircuitConvolution
from hepexp.models.layers.circuit_mlp import of_angles
from hepexp.models.quantum_gnn import QuantumGNN
from hepexp.quantum.classical import Classical
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import QmlHep1A
from tests.examples import random_graphs

WIDTH = random_graphs(1).x.shape[1]


def network(backend=None, **keys) -> QuantumGNN:
    torch.manual_seed(0)
    keys = {"channels": [6, 5], "n_qubits": 2, "n_layers": 1, **keys}
    return QuantumGNN(**keys, n_node_features=WIDTH, n_classes=2, backend=backend or StateVector()).eval()


def test_a_node_gets_the_mean_of_what_is_measured_on_the_circuit_of_each_edge():
    torch.manual_seed(1)
    conv = CircuitConvolution(3, 4, of_angles(None, 2, 2), StateVector()).double()
    reference = PennyLane().layer(conv.circuit.circuit).double()
    reference.load_state_dict(conv.circuit.state_dict())
    x = torch.randn(4, 3, dtype=torch.float64)
    edges = torch.tensor([[1, 2, 0, 3, 1], [0, 0, 1, 2, 2]])  # node 3 has no neighbours
    found = conv(x, edges)
    for i in range(4):
        messages = [
            reference(torch.tanh(conv.own(x[i]) + conv.other(x[j]))[None] * torch.pi / 2)[0]
            for j, target in edges.T.tolist()
            if target == i
        ]
        mean = torch.stack(messages).mean(0) if messages else torch.zeros(2, dtype=torch.float64)
        assert_close(found[i], conv.skip(x[i]) + conv.message(mean))


@pytest.mark.parametrize("keys", [{}, {"quantum_head": False}, {"conv": "gat"}], ids=str)
def test_losses_and_gradients_are_those_of_pennylane(keys):
    batch = random_graphs(3)
    gradients = []
    for backend in (StateVector(precision="double"), PennyLane(precision="double")):
        model = network(backend, **keys).double()
        model(batch).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    assert_close(*gradients)


def test_the_twin_has_about_as_many_parameters():
    keys = {"channels": [16, 16], "n_qubits": 4, "n_layers": 2}
    quantum, twin = (sum(p.numel() for p in network(b, **keys).parameters()) for b in (StateVector(), Classical()))
    assert abs(quantum - twin) < 0.01 * quantum


def test_an_embedding_has_the_width_that_was_asked_for():
    assert network(n_outputs=7)(random_graphs(3)).shape == (3, 7)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"conv": "gat", "quantum_head": False}, "model.conv=gat with model.quantum_head=false has no circuit"),
        ({"channels": []}, r"model\.channels must be one or more widths > 0"),
        ({"n_layers": 0}, r"model\.n_layers must be > 0, got 0"),
        ({"circuit": QmlHep1A()}, "model.circuit has 0 inputs, and needs inputs: it reads the angles of"),
        ({"conv": "attention"}, "model.conv must be one of"),
    ],
    ids=str,
)
def test_what_cannot_be_built_is_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        network(**keys)
