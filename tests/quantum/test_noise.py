"""Noise: PennyLane's default.mixed, and closed forms."""

from __future__ import annotations

import pennylane as qml
import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.quantum import templates
from hepexp.quantum.circuit import Circuit, Input, Operation, Pauli, Probabilities, z_on
from hepexp.quantum.layered import Layered
from hepexp.quantum.noise import gathered, with_errors
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from tests.devices import on_one_device
from tests.quantum.random_circuits import any_gates, documented, shallow
from tests.quantum.test_statevector import values_and_gradients


@pytest.mark.parametrize("make", [any_gates, documented, shallow])
@pytest.mark.parametrize("seed", range(2))
def test_depolarising_channels_are_those_of_default_mixed(make, seed):
    circuit = make(seed)
    if circuit.n_qubits > 6:
        circuit = documented(3)
    torch.manual_seed(seed)
    angles = torch.randn(3, circuit.n_inputs, dtype=torch.float64)
    along = torch.randn(3, circuit.n_outputs, dtype=torch.float64)
    theirs = PennyLane("default.mixed").layer(with_errors(circuit, 0.05)).double()
    expected = values_and_gradients(theirs, angles, along)
    for route in ("auto", "gates", "cones"):
        ours = StateVector(route, depolarising=0.05).layer(circuit).double()
        ours.load_state_dict(theirs.state_dict())
        # default.mixed rounds RZ by a number or a weight to single precision
        assert_close(values_and_gradients(ours, angles, along), expected, rtol=0, atol=1e-6)


def test_amplitudes_are_mixed_as_in_default_mixed():
    circuit = Layered(3, 1, encoding="amplitude", observables="probabilities")
    theirs = PennyLane("default.mixed").layer(with_errors(circuit, 0.1)).double()
    ours = StateVector(depolarising=0.1).layer(circuit).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 8, dtype=torch.float64)
    assert_close(ours(x), theirs(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize("route", ["gates", "cones", "matrix"])
def test_readout_errors_are_those_of_default_mixed(route):
    readout = 0.03
    circuit = templates.pair_circuit(3, 1)
    measured = (*circuit.observables, Pauli("XY", (0, 2)), Probabilities((2, 0)))
    circuit = Circuit(3, circuit.operations, measured)

    @qml.qnode(qml.device("default.mixed", wires=3), interface="torch", diff_method="backprop")
    def node(x, weights, is_rotated):
        for op in circuit.operations:
            name = {"H": "Hadamard"}.get(op.name, op.name)
            angles = [x[p.index] if isinstance(p, Input) else weights[p.index] for p in op.parameters]
            getattr(qml, name)(*angles, wires=op.wires)
        if is_rotated:  # X and Y are measured as Z
            qml.Hadamard(0)
            qml.adjoint(qml.S)(2)
            qml.Hadamard(2)
        for wire in range(3):
            qml.BitFlip(readout, wires=wire)
        if is_rotated:
            return qml.expval(qml.Z(0) @ qml.Z(2))
        return *(qml.expval(qml.Z(wire)) for wire in range(3)), qml.probs(wires=[2, 0])

    def reference(x, weights):
        *z, probabilities = node(x, weights, False)
        return torch.cat([torch.stack(z), node(x, weights, True)[None], probabilities])

    layer = StateVector(route, readout=readout).layer(circuit).double()
    x = torch.randn(20, 3, dtype=torch.float64)
    expected = torch.stack([reference(row, layer.weights) for row in x])
    assert_close(layer(x), expected, rtol=0, atol=1e-10)


def test_a_depolarised_rotation_is_the_cosine_times_what_is_left():
    x = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
    circuit = Circuit(1, (Operation("RY", (0,), (Input(0),)),) * 2, z_on([0]))
    found = StateVector(depolarising=0.06, readout=0.1).layer(circuit)(x)
    assert_close(found, (1 - 4 * 0.06 / 3) ** 2 * (1 - 2 * 0.1) * (2 * x).cos())


def test_the_largest_probability_makes_every_state_maximally_mixed():
    layer = StateVector(depolarising=0.75).layer(Layered(3, 2, observables="probabilities")).double()
    assert_close(layer(torch.randn(2, 3, dtype=torch.float64)), torch.full((2, 8), 1 / 8, dtype=torch.float64))


def test_channels_on_a_wire_wait_for_a_gate_with_another():
    circuit = with_errors(
        Circuit(2, (Operation("H", (0,)), Operation("X", (0,)), Operation("CNOT", (0, 1))), z_on([0])), 0.3
    )
    made = gathered(circuit.operations)
    assert [op.name for op in made] == ["H", "X", "Depolarising", "CNOT", "Depolarising", "Depolarising"]
    assert made[2].parameters[0] == pytest.approx(0.75 * (1 - 0.6**2))


@pytest.mark.parametrize("route", ["gates", "cones"])
def test_trajectories_scatter_about_the_density_matrix(route):
    torch.manual_seed(1)
    circuit = Layered(3, 2, observables="probabilities")
    exact = StateVector(depolarising=0.05).layer(circuit).double()
    drawn = StateVector(route, depolarising=0.05, trajectories=5000).layer(circuit).double()
    drawn.load_state_dict(exact.state_dict())
    x = torch.randn(2, 3, dtype=torch.float64)
    error = 0.5 / 5000**0.5  # of a probability at most
    along = torch.randn(2, 8, dtype=torch.float64)
    ours, expected = (values_and_gradients(layer, x, along) for layer in (drawn, exact))
    assert 0 < (ours[0] - expected[0]).abs().max() < 4.5 * error
    assert_close(ours[1:], expected[1:], rtol=0, atol=0.05)
    assert_close(ours[0].sum(1), torch.ones(2, dtype=torch.float64))


def test_trajectories_of_a_batch_in_pieces_keep_their_errors_for_the_gradient(monkeypatch):
    layer = StateVector(depolarising=0.2, trajectories=3).layer(Layered(2, 1)).double()
    monkeypatch.setattr("hepexp.quantum.simulator.AT_ONCE", 1)
    x = torch.randn(4, 2, dtype=torch.float64)

    def one_draw(x):
        torch.manual_seed(1)
        return layer(x)

    assert torch.autograd.gradcheck(one_draw, (x.requires_grad_(),))


def test_shots_are_binomial_and_counts_of_one_observable_add_up():
    torch.manual_seed(1)
    shots, n = 100, 4000
    circuit = Circuit(
        2, templates.siamese_circuit(2, 1).operations, (Pauli("Z", (0,)), Pauli("XY", (0, 1)), Probabilities((0, 1)))
    )
    exact = StateVector().layer(circuit).double()
    layer = StateVector(shots=shots).layer(circuit).double()
    layer.load_state_dict(exact.state_dict())
    x = torch.tensor([[0.3, -0.8]], dtype=torch.float64)
    expected, found = exact(x)[0], layer(x.expand(n, 2))
    spread = torch.cat([1 - expected[:2].square(), expected[2:] * (1 - expected[2:])]).sqrt() / shots**0.5
    assert ((found.mean(0) - expected).abs() < 4.5 * spread / n**0.5).all()
    assert_close(found.std(0), spread, rtol=0.06, atol=1e-3)
    assert_close(found[:, 2:].sum(1), torch.ones(n, dtype=torch.float64))
    counts = torch.cat([(1 + found[:, :2]) / 2, found[:, 2:]], dim=1) * shots
    assert_close(counts, counts.round(), rtol=0, atol=1e-9)
    found.sum().backward()
    (n * exact(x).sum()).backward()
    assert_close(layer.weights.grad, exact.weights.grad)


def test_noise_is_one_graph():
    for backend in (StateVector(depolarising=0.1), StateVector(depolarising=0.1, trajectories=2, shots=10)):
        layer = backend.layer(Layered(2, 1))
        compiled = torch.compile(layer, backend="eager", fullgraph=True)
        for n in (3, 5, 6):  # from the second size on, it is traced for all
            assert compiled(torch.randn(n, 2)).shape == (n, 2)


@pytest.mark.parametrize(
    ("keys", "circuit", "message"),
    [
        ({"depolarising": 0.8}, Layered(), "backend.depolarising must be a probability from 0 to 0.75, got 0.8"),
        ({"readout": -0.1}, Layered(), "backend.readout must be a probability from 0 to 0.5, got -0.1"),
        ({"shots": 0}, Layered(), "backend.shots must be from 1 to 1,000,000,000, or null, got 0"),
        ({"trajectories": 10}, Layered(), "there are none: set backend.depolarising too"),
        ({"shots": 10}, Layered(observables="state"), "a state vector has no noise"),
        ({"depolarising": 0.1, "route": "matrix"}, Layered(), "the circuit of 4 qubits has errors"),
        ({"depolarising": 0.1}, Layered(20), "the density matrix of a circuit of 20 qubits needs"),
        ({"depolarising": 0.1}, Layered(20), "set backend.trajectories=100"),
        ({"depolarising": 0.1, "trajectories": 10**6}, Layered(20), "with 1,000,000 trajectories needs"),
    ],
)
def test_noise_that_is_impossible_is_named(keys, circuit, message):
    with pytest.raises(ConfigError) as refused:
        StateVector(**keys).layer(circuit)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "backend",
    [
        StateVector("gates"),
        StateVector("matrix", readout=0.1),
        StateVector("cones"),
        StateVector(depolarising=0.1),
        StateVector(depolarising=0.1, trajectories=3),
    ],
    ids=lambda backend: f"{backend.route} {backend.depolarising} {backend.trajectories}",
)
@pytest.mark.parametrize("observables", ["Z", "probabilities", "state"])
def test_no_step_on_a_gpu_waits_for_a_copy_from_the_cpu(backend, observables):
    if observables == "state" and (backend.depolarising or backend.readout):
        return
    layer = backend.layer(Layered(3, 1, "equivariant", observables=observables)).to("meta")
    x = torch.empty(20, 3, device="meta", requires_grad=True)
    with on_one_device():
        layer(x).sum().backward()
    assert x.grad.device.type == "meta"
