"""The quantum vision transformer: its attention against swap tests of every pair, its twin, and what it refuses."""

from itertools import product

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers.state_attention import StateAttention
from hepexp.models.quantum_vit import QuantumViT
from hepexp.quantum.circuit import Circuit, Input, Operation, z_on
from hepexp.quantum.classical import Classical
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import QmlHep1A, pairwise_swap_test, state_circuit, swap_test
from tests.examples import IMAGE_SHAPE, random_images

SMALL = {"patch": 4, "dim": 8, "n_blocks": 1, "n_heads": 2, "n_qubits": 2, "n_layers": 1}


def network(backend=None, **keys) -> QuantumViT:
    torch.manual_seed(0)
    given = {**SMALL, **keys}
    return QuantumViT(**given, image_shape=IMAGE_SHAPE, n_classes=2, backend=backend or StateVector()).eval()


def on_register(circuit: Circuit, first_wire: int, first_input: int) -> list[Operation]:
    """The operations of a circuit moved to other wires and inputs."""

    def moved(parameter):
        return Input(parameter.index + first_input) if isinstance(parameter, Input) else parameter

    return [
        Operation(op.name, tuple(w + first_wire for w in op.wires), tuple(map(moved, op.parameters)))
        for op in circuit.operations
    ]


@pytest.mark.parametrize("kind", ["register", "pairwise"])
def test_attention_weighs_values_by_swap_tests_of_each_query_and_key(kind):
    """One circuit with both registers and the ancillas for each pair, evaluated by PennyLane."""
    torch.manual_seed(3)
    n, heads, tokens = 2, 2, 3
    backend = StateVector()
    attention = StateAttention(4, heads, n, 2, kind, backend).double()
    x = torch.randn(2, tokens, 4, dtype=torch.float64)
    one = state_circuit(n, 2)
    registers = on_register(one, n, 0) + on_register(one, 2 * n, n)
    a, b = range(n, 2 * n), range(2 * n, 3 * n)
    tests = swap_test(0, a, b) if kind == "register" else pairwise_swap_test(range(n), a, b)
    both = Circuit(3 * n, (*registers, *tests), z_on([0] if kind == "register" else range(n)))
    layer = PennyLane().layer(both).double()
    with torch.no_grad():
        layer.weights.copy_(attention.states.weights)
        query, key = (torch.tanh(attention.angles(x)) * (torch.pi / 2)).chunk(2, dim=-1)
        value, found = attention.value(x), attention(x)
        for example, head in product(range(2), range(heads)):
            angles, columns = slice(head * n, (head + 1) * n), slice(2 * head, 2 * head + 2)
            measured = torch.stack(
                [
                    torch.stack([layer(torch.cat([q, k])[None])[0].mean() for k in key[example, :, angles]])
                    for q in query[example, :, angles]
                ]
            )
            weights = (measured / attention.log_temperature[head, 0].exp()).softmax(-1)
            assert_close(found[example, :, columns], weights @ value[example, :, columns])


def test_losses_and_gradients_are_those_of_pennylane():
    batch = random_images(3)
    gradients = []
    for backend in (StateVector(precision="double"), PennyLane(precision="double")):
        model = network(backend).double()
        model(batch).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    assert_close(*gradients)


@pytest.mark.parametrize("attention", ["softmax", "fidelity", "swap_test"])
@pytest.mark.parametrize("parts", [(), ("mlp",), ("head",), ("mlp", "head")])
def test_every_part_can_be_quantum_or_classical_and_all_parameters_are_trained(attention, parts):
    model = network(attention=attention, quantum_parts=parts, n_layers=2)
    model(random_images(4)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_twin_has_about_as_many_parameters():
    keys = {"dim": 32, "n_heads": 4, "n_qubits": 4, "n_layers": 2, "n_blocks": 2}
    quantum, twin = (sum(p.numel() for p in network(b, **keys).parameters()) for b in (StateVector(), Classical()))
    assert abs(quantum - twin) < 0.005 * quantum


def test_outputs_of_attention_are_means_of_the_values():
    torch.manual_seed(1)
    attention = StateAttention(4, 1, 3, 1, "register", StateVector())
    x = torch.randn(2, 5, 4)
    value, found = attention.value(x), attention(x)
    assert ((found >= value.amin(1, keepdim=True) - 1e-6) & (found <= value.amax(1, keepdim=True) + 1e-6)).all()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_heads": 3}, r"model\.n_heads must divide model\.dim \(8\), got 3"),
        ({"n_qubits": 0}, r"model\.n_qubits must be > 0, got 0"),
        ({"circuit": QmlHep1A()}, "model.circuit has 0 inputs, and needs inputs: it reads the angles of"),
        ({"n_qubits": 60}, "memory"),
    ],
)
def test_what_cannot_be_built_is_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        network(**keys)


def test_a_backend_without_states_refuses_attention_by_states_only():
    shots = PennyLane(shots=10, diff_method="best")
    with pytest.raises(ConfigError, match=r"model\.attention=softmax does not: .*shots"):
        network(shots)
    assert network(shots, attention="softmax")(random_images(2)).shape == (2, 2)
