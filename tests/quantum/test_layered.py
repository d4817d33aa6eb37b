"""Encodings and ansaetze are PennyLane's own templates, with their values and gradients."""

from __future__ import annotations

from itertools import combinations, permutations

import pennylane as qml
import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.quantum.layered import Layered
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.simulator import Simulator
from hepexp.quantum.statevector import StateVector

N, LAYERS = 4, 4  # four layers: the distance of the CNOTs wraps around


def basic(weights):
    qml.BasicEntanglerLayers(weights.view(-1, N), wires=range(N), rotation=qml.RY)


def strong(weights):
    qml.StronglyEntanglingLayers(weights.view(-1, N, 3), wires=range(N))


def brick(weights):
    for layer in weights.view(-1, N):
        for pair in ((0, 1), (2, 3), (1, 2)):
            qml.CNOT(pair)
        qml.AngleEmbedding(layer, wires=range(N), rotation="Y")


def equivariant(weights):
    for a, b, c in weights.view(-1, 3):
        for gate, angle in ((qml.RX, a), (qml.RY, b)):
            for wire in range(N):
                gate(angle, wires=wire)
        for pair in combinations(range(N), 2):
            qml.IsingZZ(c, wires=pair)


ANSAETZE = {"basic_entangler": basic, "strongly_entangling": strong, "brick": brick, "equivariant": equivariant}


def reference(ansatz, encoding, hadamard, reuploading, observables):
    """The same circuit of PennyLane's templates alone."""

    def encode(x):
        if encoding == "amplitude":
            qml.AmplitudeEmbedding(x.T, wires=range(N), pad_with=0, normalize=True)
        else:
            qml.AngleEmbedding(x.T, wires=range(N), rotation=encoding[-1])

    @qml.qnode(qml.device("default.qubit"), interface="torch", diff_method="backprop")
    def node(x, weights):
        if hadamard:
            for wire in range(N):
                qml.Hadamard(wire)
        layers = weights.chunk(LAYERS) if reuploading else [weights]
        for layer in layers:
            encode(x)
            ANSAETZE[ansatz](layer)
        if observables == "probabilities":
            return qml.probs(wires=range(N))
        if observables == "state":
            return qml.state()
        if observables == "ZZ":
            return [qml.expval(qml.Z(a) @ qml.Z(b)) for a, b in combinations(range(N), 2)]
        return [qml.expval(qml.Z(k)) for k in range(N)]

    def values(x, weights):
        found = node(x.T, weights)
        if observables == "state":
            return torch.cat([found.real, found.imag], dim=1)
        return found if observables == "probabilities" else torch.stack(found, dim=1)

    return values


@pytest.mark.parametrize(
    ("ansatz", "encoding", "hadamard", "reuploading", "observables"),
    [
        ("basic_entangler", "RY", False, False, "Z"),
        ("strongly_entangling", "RX", False, False, "ZZ"),
        ("strongly_entangling", "amplitude", False, False, "Z"),
        ("brick", "RY", True, False, "Z"),
        ("brick", "amplitude", False, False, "probabilities"),
        ("equivariant", "RZ", True, False, "probabilities"),
        ("basic_entangler", "RX", False, True, "ZZ"),
        ("equivariant", "RY", True, True, "Z"),
        ("strongly_entangling", "RX", False, False, "state"),
    ],
)
def test_circuits_are_those_of_pennylanes_templates(ansatz, encoding, hadamard, reuploading, observables):
    rotation = "RY" if ansatz == "basic_entangler" else None
    n_inputs = 11 if encoding == "amplitude" else None
    circuit = Layered(N, LAYERS, ansatz, encoding, hadamard, rotation, reuploading, n_inputs, observables)
    torch.manual_seed(1)
    x = torch.randn(3, circuit.n_inputs, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(circuit.n_weights, dtype=torch.float64, requires_grad=True)
    theirs = reference(ansatz, encoding, hadamard, reuploading, observables)(x, weights)
    along = torch.randn_like(theirs)
    gradients = torch.autograd.grad((theirs * along).sum(), (x, weights))
    for route in ("auto", "gates"):
        ours = Simulator(circuit, route)(x, weights)
        assert_close(ours, theirs, rtol=0, atol=1e-10)
        assert_close(torch.autograd.grad((ours * along).sum(), (x, weights)), gradients, rtol=0, atol=1e-10)


def test_exchanging_the_inputs_of_an_equivariant_circuit_exchanges_its_outputs():
    x = torch.randn(2, 3, dtype=torch.float64)
    for reuploading in (False, True):
        z = StateVector().layer(Layered(3, 2, "equivariant", "RX", reuploading=reuploading)).double()
        for order in map(list, permutations(range(3))):
            assert_close(z(x[:, order]), z(x)[:, order], rtol=0, atol=1e-12)
    pairs = StateVector().layer(Layered(3, 2, "equivariant", "RX", observables="ZZ")).double()
    # 01, 02, 12 become 12, 02, 01 as wire 0 becomes 2
    assert_close(pairs(x.flip(1)), pairs(x).flip(1), rtol=0, atol=1e-12)
    other = StateVector().layer(Layered(3, 2, "strongly_entangling", "RX")).double()
    assert (other(x.flip(1)) - other(x).flip(1)).abs().max() > 0.01


def test_amplitudes_are_normalised_and_padded():
    circuit = Layered(2, 1, "brick", "amplitude", n_inputs=3, observables="probabilities")
    x = torch.tensor([[3.0, 0.0, -4.0]], dtype=torch.float64)
    state = StateVector().states(circuit, x, torch.zeros(2, dtype=torch.float64))
    # brick without rotations is CNOT(0, 1): |10> becomes |11>
    assert_close(state, torch.tensor([[0.6, 0, 0, -0.8]], dtype=torch.complex128), rtol=0, atol=1e-15)
    assert_close(PennyLane().states(circuit, x, torch.zeros(2)), state, rtol=0, atol=1e-12)


def test_an_example_without_a_direction_is_refused_on_a_cpu_and_not_a_number_elsewhere():
    layer = StateVector().layer(Layered(2, 1, "brick", "amplitude"))
    with pytest.raises(ConfigError, match=r"an example's 4 inputs are all 0, and have no state"):
        layer(torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]]))
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    assert compiled(torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]])).isnan().any(dim=1).tolist() == [False, True]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_qubits": 0}, "n_qubits must be >= 1, got 0"),
        ({"n_layers": -2}, "n_layers must be >= 1, got -2"),
        (
            {"encoding": "RZ"},
            "encoding=RZ only changes the phase of |0>, which is not measured: set hadamard=true",
        ),
        (
            {"rotation": "RX"},
            "is a key of ansatz=basic_entangler; strongly_entangling has gates of its own",
        ),
        ({"encoding": "amplitude", "reuploading": True}, "reuploading=true is for encodings by angles"),
        ({"encoding": "amplitude", "n_inputs": 17}, "17 amplitudes need n_qubits=5 or more, got 4"),
        ({"n_inputs": 5}, "encoding=RX reads one input a wire: n_inputs=5 needs n_qubits=5"),
        ({"observables": "ZZ", "n_qubits": 1}, "observables=ZZ needs two qubits or more, got 1"),
        ({"observables": "probabilities", "n_qubits": 13}, "n_qubits must be <= 12, got 13"),
        ({"observables": "state", "n_qubits": 13}, "observables=state gives one or two outputs for each"),
        ({"n_qubits": 300}, "a circuit of 300 qubits and 3 layers is too large"),
        ({"n_qubits": 200, "n_layers": 1, "ansatz": "equivariant"}, "pairs of qubits times layers at most 1,000"),
    ],
)
def test_keys_that_do_not_go_together_are_named(keys, message):
    with pytest.raises(ConfigError) as refused:
        Layered(**keys)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("circuit", [Layered(3, 2, "equivariant"), Layered(3, 1, encoding="amplitude")])
def test_a_layer_is_one_graph(circuit):
    layer = StateVector().layer(circuit)
    x = torch.randn(5, circuit.n_inputs)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    assert_close(compiled(x), layer(x), rtol=0, atol=1e-6)
