"""Our simulation against PennyLane, against itself by other routes, and against closed forms."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from hepexp.quantum import templates
from hepexp.quantum.circuit import Circuit, Input, Operation, Pauli, Projector, Weight, z_on
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.simulator import Simulator
from hepexp.quantum.statevector import StateVector
from tests.quantum.random_circuits import any_gates, documented, one_rotation_an_input, shallow

BOTH = [(torch.float32, 1e-6), (torch.float64, 1e-12)]


def values_and_gradients(layer: nn.Module, angles: Tensor, along: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs; the gradients of their products with `along` by each example's angles, and by the weights on average."""
    angles = angles.clone().requires_grad_()
    out = layer(angles)
    layer.zero_grad()
    if out.requires_grad:  # a circuit without angles has no gradients
        (out * along).sum().backward()
    zero = torch.zeros_like
    by_angles, by_weights = (zero(x) if x.grad is None else x.grad for x in (angles, layer.weights))
    return out, by_angles, by_weights / len(angles)


def compare(circuit: Circuit, layers: list[nn.Module], dtype: torch.dtype, tolerance: float, batch: int) -> None:
    generator = torch.Generator().manual_seed(1)
    angles = torch.randn(batch, circuit.n_inputs, generator=generator, dtype=dtype)
    along = nn.functional.normalize(torch.randn(batch, circuit.n_outputs, generator=generator, dtype=dtype))
    state = {"weights": 3 * torch.randn(circuit.n_weights, generator=generator, dtype=dtype)}
    found = []
    for layer in layers:
        layer.to(dtype).load_state_dict(state)
        found.append(values_and_gradients(layer, angles, along))
    for other in found[1:]:
        assert_close(other, found[0], rtol=0, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), BOTH)
@pytest.mark.parametrize("make", [any_gates, one_rotation_an_input, shallow, documented])
@settings(max_examples=9, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_values_and_gradients_are_pennylanes(make, dtype, tolerance, seed):
    circuit = make(seed)
    compare(circuit, [PennyLane().layer(circuit), StateVector().layer(circuit)], dtype, tolerance, batch=20)


@pytest.mark.parametrize("route", ["gates", "matrix", "cones"])
def test_a_batch_in_pieces_is_the_batch(route, monkeypatch):
    layer = StateVector(route).layer(templates.pair_circuit(4, 2)).double()
    angles, along = torch.randn(50, 4, dtype=torch.float64), torch.randn(50, 4, dtype=torch.float64)
    at_once = values_and_gradients(layer, angles, along)
    for amplitudes in (1, 1000):
        monkeypatch.setattr("hepexp.quantum.simulator.AT_ONCE", amplitudes)
        assert_close(values_and_gradients(layer, angles, along), at_once, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), BOTH)
@pytest.mark.parametrize("make", [one_rotation_an_input, shallow, documented])
@settings(max_examples=9, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_the_routes_are_equal(make, dtype, tolerance, seed):
    circuit = make(seed)
    routes = [StateVector(route).layer(circuit) for route in ("gates", "matrix", "cones", "auto")]
    compare(circuit, routes, dtype, 2 * tolerance, batch=200)  # more than 2^7, so that matrices are used


@settings(max_examples=9, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_light_cones_of_any_circuit_give_what_the_whole_gives(seed):
    circuit = any_gates(seed, n_qubits=6, n_operations=20)
    compare(circuit, [StateVector(route).layer(circuit) for route in ("gates", "cones")], torch.float64, 1e-12, 40)


def test_phi_e_needs_cones_of_four_qubits_in_four_shapes():
    parts = Simulator(templates.pair_circuit(10, 1)).parts
    assert sum(part.n_pieces for part in parts) == 10
    assert len(parts) <= 4
    assert max(part.evolution.n_qubits for part in parts) == 4


@pytest.mark.parametrize("route", ["gates", "matrix", "cones"])
def test_gradients_are_those_of_finite_differences(route):
    circuit = templates.strongly_entangling_circuit(3, 1)
    circuit = Circuit(3, circuit.operations, (*circuit.observables, Pauli("XY", (0, 2)), Projector((0,), (1,))))
    simulator = Simulator(circuit, route)
    generator = torch.Generator().manual_seed(1)
    angles = torch.randn(10, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(9, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(simulator, (angles, weights))
    assert torch.autograd.gradgradcheck(simulator, (angles[:9:4], weights), rtol=1e-4)


@settings(max_examples=9, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_the_norm_is_kept_and_equals_the_sum_of_all_probabilities(seed):
    circuit = any_gates(seed)
    angles = torch.randn(5, circuit.n_inputs, dtype=torch.float64)
    psi = StateVector().states(circuit, angles, torch.randn(circuit.n_weights, dtype=torch.float64))
    assert_close(psi.abs().square().sum(1), torch.ones(5, dtype=torch.float64), rtol=0, atol=1e-13)


def values(circuit: Circuit, angles: Tensor | None = None) -> Tensor:
    angles = torch.zeros(1, 0, dtype=torch.float64) if angles is None else angles
    return StateVector().layer(circuit)(angles)


def test_rotation_about_x_then_z_is_the_cosine():
    x = torch.linspace(-4, 4, 50, dtype=torch.float64)[:, None]
    circuit = Circuit(1, (Operation("RX", (0,), (Input(0),)),), (Pauli("Z", (0,)), Pauli("Y", (0,)), Pauli("X", (0,))))
    assert_close(values(circuit, x), torch.cat([x.cos(), -x.sin(), 0 * x], dim=1))


def test_an_input_that_is_uploaded_n_times_gives_the_cosine_of_n_x():
    x = torch.linspace(-4, 4, 50, dtype=torch.float64)[:, None]
    circuit = Circuit(1, (Operation("RY", (0,), (Input(0),)),) * 4, z_on([0]))
    assert_close(values(circuit, x), (4 * x).cos())


def test_ghz_state_has_only_even_correlations():
    n = 5
    operations = (Operation("H", (0,)), *(Operation("CNOT", (k, k + 1)) for k in range(n - 1)))
    observables = (
        *z_on([2]),
        Pauli("ZZ", (0, 4)),
        Pauli("X" * n, tuple(range(n))),
        Projector((1,) * n, tuple(range(n))),
    )
    assert_close(values(Circuit(n, operations, observables)), torch.tensor([[0, 1, 1, 0.5]], dtype=torch.float64))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_swap_test_is_the_fidelity_of_two_registers(n):
    a, b = range(1, n + 1), range(n + 1, 2 * n + 1)

    def prepare(wires: range, first: int) -> tuple[Operation, ...]:
        chain = [Operation("CNOT", (wires[k], wires[k + 1])) for k in range(n - 1)]
        return (
            *templates.angle_encoding(wires, "RY", True, first),
            *chain,
            *templates.angle_encoding(wires, "RX", False, first),
        )

    circuit = Circuit(2 * n + 1, prepare(a, 0) + prepare(b, n) + templates.swap_test(0, a, b), z_on([0]))
    angles = torch.randn(6, 2 * n, dtype=torch.float64)
    alone = Circuit(n, prepare(range(n), 0), z_on([0]))
    psi = [StateVector().states(alone, half, torch.zeros(0)) for half in angles.split(n, dim=1)]
    assert_close(values(circuit, angles)[:, 0], (psi[0].conj() * psi[1]).sum(1).abs().square())


def test_equal_registers_have_equal_reduced_states():
    angles = torch.randn(3, 2, dtype=torch.float64)
    circuit = templates.fidelity_circuit(2, depth=0)  # no entanglement: pure states of each qubit
    assert_close(values(circuit, torch.cat([angles, angles], 1)), torch.ones(3, 2, dtype=torch.float64))


def kron(*factors: np.ndarray) -> np.ndarray:
    product = np.ones((1, 1))
    for factor in factors:
        product = np.kron(product, factor)
    return product


def test_qmlhep_1_a_is_the_product_that_kronecker_products_give():
    h, x, one = np.array([[1, 1], [1, -1]]) / np.sqrt(2), np.array([[0, 1], [1, 0]]), np.eye(2)
    p0, p1 = np.diag([1, 0]), np.diag([0, 1])

    def on(matrices: dict[int, np.ndarray]) -> np.ndarray:
        return kron(*(matrices.get(wire, one) for wire in range(5)))

    psi = on(dict.fromkeys(range(5), h))[:, 0]
    for k in range(4):
        psi = (on({k: p0}) + on({k: p1, k + 1: x})) @ psi
    y, z = np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
    psi = (np.eye(32) + sum(on({0: p, 4: p}) for p in (x, y, z))) / 2 @ psi  # SWAP
    psi = (np.cos(pi / 4) * np.eye(32) - 1j * np.sin(pi / 4) * on({0: x})) @ psi
    circuit = templates.QmlHep1A()
    found = StateVector().states(circuit, torch.zeros(1, 0, dtype=torch.float64), torch.zeros(0))[0].numpy()
    np.testing.assert_allclose(found, psi, atol=1e-15)
    np.testing.assert_allclose(found, np.full(32, np.exp(-0.25j * pi) / np.sqrt(32)), atol=1e-15)
    assert_close(values(circuit), torch.zeros(1, 5, dtype=torch.float64), rtol=0, atol=1e-15)


def test_qmlhep_1_b_is_one_half_and_pairwise_another_quantity():
    circuit = templates.QmlHep1B()
    assert_close(values(circuit), torch.tensor([[0.5]], dtype=torch.float64))
    prepare = tuple(Operation(op.name, (op.wires[0] + 1,), op.parameters) for op in circuit.operations[:4])
    pairs = Circuit(6, prepare + templates.pairwise_swap_test((0, 1), (2, 3), (4, 5)), z_on([0, 1]))
    assert_close(values(pairs), torch.tensor([[1.0, 0.5]], dtype=torch.float64))


@pytest.mark.parametrize("route", ["gates", "matrix", "cones"])
@pytest.mark.parametrize("shape", [(1,), (0,), (), (2, 3), (3, 0, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_any_leading_shape_keeps_its_shape_and_dtype(route, shape, dtype):
    circuit = templates.pair_circuit(5, 1)
    layer = StateVector(route).layer(circuit)
    angles = torch.randn(*shape, 5).to(dtype)
    out = layer(angles)
    out.sum().backward()
    assert (out.shape, out.dtype) == ((*shape, 5), dtype)
    expected = layer(angles.reshape(-1, 5)).view(*shape, 5)
    assert_close(out, expected)


def test_precision_is_that_of_the_inputs_or_as_asked_for():
    circuit = templates.strongly_entangling_circuit(4, 3)
    layers = {name: StateVector(precision=name).layer(circuit) for name in ("input", "single", "double")}
    for layer in layers.values():
        layer.load_state_dict(layers["input"].state_dict())
    angles = torch.randn(100, 4, dtype=torch.float64)
    exact = layers["double"](angles)
    assert_close(layers["input"](angles), exact, rtol=0, atol=1e-14)
    assert 1e-9 < (layers["single"](angles) - exact).abs().max() < 1e-6
    assert_close(layers["double"](angles.float()).double(), exact, rtol=0, atol=1e-6)


def test_a_change_of_dtype_leaves_the_constants_exact():
    circuit = one_rotation_an_input(1)
    layer = StateVector("matrix").layer(circuit).double()
    changed = StateVector("matrix").layer(circuit).half().float().to(torch.float64)
    changed.load_state_dict(layer.state_dict())
    angles = torch.randn(40, circuit.n_inputs, dtype=torch.float64)
    assert torch.equal(changed(angles), layer(angles))


def test_autocast_does_not_reach_the_amplitudes():
    layer = StateVector().layer(templates.siamese_circuit())
    angles = torch.randn(100, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = layer(angles)
    assert torch.equal(inside, layer(angles))


def test_traces_as_one_graph():
    layer = StateVector("cones").layer(templates.pair_circuit(4, 1))
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    angles = torch.randn(40, 4)
    assert_close(compiled(angles), layer(angles))


def test_circuits_train():
    torch.manual_seed(1)
    layer = StateVector().layer(Circuit(1, (Operation("RY", (0,), (Weight(0),)),), z_on([0])), scale=0.1)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        layer(torch.zeros(1, 0)).sum().backward()
        optimizer.step()
    assert layer(torch.zeros(1, 0)).item() < -0.99
