"""The options of the group `backend`: the same interface, the same weights."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.quantum import templates
from hepexp.quantum.classical import Classical, Neighbours, Perceptron
from hepexp.quantum.layered import Layered
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from tests.quantum.random_circuits import any_gates, documented

BACKENDS = [StateVector(), PennyLane(), Classical()]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3)])
def test_a_layer_keeps_leading_shape_and_dtype(backend, dtype, shape):
    layer = backend.layer(templates.pair_circuit(4, 1)).to(dtype)
    angles = torch.randn(*shape, 4, dtype=dtype, requires_grad=True)
    out = layer(angles)
    out.sum().backward()
    assert (out.shape, out.dtype) == ((*shape, 4), dtype)
    assert out.abs().le(1 + 1e-6).all()
    assert all(p.grad.isfinite().all() for p in layer.parameters() if p.grad is not None)


def test_weights_move_between_statevector_and_pennylane():
    circuit = templates.siamese_circuit()
    ours, reference = StateVector().layer(circuit), PennyLane().layer(circuit)
    assert list(ours.state_dict()) == list(reference.state_dict()) == ["weights"]
    reference.load_state_dict(ours.state_dict())
    angles = torch.randn(3, 4)
    assert_close(ours(angles), reference(angles), rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", [StateVector(), PennyLane()])
def test_initial_weights_are_normal_with_a_scale_or_even_over_the_circle(backend):
    torch.manual_seed(1)
    circuit = templates.pair_circuit(5, 100)
    assert_close(backend.layer(circuit, scale=1e-3).weights.std().item(), 1e-3, rtol=0.1, atol=0)
    even = backend.layer(circuit).weights
    assert 0 <= even.min() < 0.1
    assert 6.18 < even.max() < 6.2832
    with pytest.raises(ConfigError, match="scale of a circuit's initial weights must be >= 0, got -1"):
        backend.layer(circuit, scale=-1)


def test_a_wrong_number_of_angles_is_named():
    with pytest.raises(ConfigError, match="the circuit reads 4 angles, got 3"):
        StateVector().layer(templates.siamese_circuit())(torch.zeros(2, 3))


@pytest.mark.parametrize(("device", "method"), [("lightning.qubit", "adjoint"), ("default.qubit", "parameter-shift")])
def test_other_devices_and_methods_go_example_by_example(device, method):
    circuit = templates.siamese_circuit(3, 1)
    ours, theirs = StateVector().layer(circuit).double(), PennyLane(device, method).layer(circuit).double()
    theirs.load_state_dict(ours.state_dict())
    angles = torch.randn(2, 3, dtype=torch.float64)
    assert_close(theirs(angles), ours(angles), rtol=0, atol=1e-7)  # lightning's floats come back in single precision
    for layer in (ours, theirs):
        layer(angles).square().sum().backward()
    assert_close(theirs.weights.grad, ours.weights.grad, rtol=0, atol=1e-6)


def test_shots_scatter_about_the_exact_value():
    circuit = templates.QmlHep1B()
    layer = PennyLane(diff_method="parameter-shift", shots=1000).layer(circuit)
    found = layer(torch.zeros(4, 0, dtype=torch.float64))
    assert found.std() > 0
    assert_close(found.mean().item(), 0.5, rtol=0, atol=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PennyLane("default.qbit"), r"no device 'default.qbit'; did you mean default.qubit\? \(devices: "),
        (lambda: PennyLane(shots=0), "backend.shots must be at least 1"),
        (lambda: Classical(hidden=0), "backend.hidden must be at least 1, got 0"),
        (lambda: Classical(hidden=3, parameters=3), "give one of the two"),
    ],
)
def test_impossible_values_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("make", [any_gates, documented])
@pytest.mark.parametrize("seed", range(4))
def test_states_are_pennylanes_in_every_precision(make, seed):
    circuit = make(seed)
    angles = torch.randn(3, circuit.n_inputs, dtype=torch.float64)
    weights = torch.randn(circuit.n_weights, dtype=torch.float64)
    exact = StateVector().states(circuit, angles, weights)
    assert exact.shape == (3, 2**circuit.n_qubits)
    for backend in (PennyLane(), PennyLane("lightning.qubit", "adjoint")):
        assert_close(backend.states(circuit, angles, weights), exact, rtol=0, atol=1e-12)
    for backend in (StateVector(precision="single"), PennyLane(precision="single")):
        found = backend.states(circuit, angles, weights)
        assert found.dtype == torch.complex64
        assert_close(found.to(torch.complex128), exact, rtol=0, atol=1e-6)


def test_gradients_of_states_are_pennylanes():
    circuit = templates.siamese_circuit()
    along = torch.randn(2, 16, dtype=torch.complex128)
    gradients = []
    for backend in (StateVector(), PennyLane()):
        torch.manual_seed(1)
        weights = torch.randn(12, dtype=torch.float64, requires_grad=True)
        (backend.states(circuit, torch.randn(2, 4, dtype=torch.float64), weights) * along).sum().abs().backward()
        gradients.append(weights.grad)
    assert_close(*gradients, rtol=0, atol=1e-12)


def test_circuits_are_remembered_once_whatever_is_made_of_them():
    backend, circuit, other = StateVector(), templates.QmlHep1A(), templates.QmlHep1B()
    for one in (circuit, other):
        backend.layer(one)
        backend.states(one, torch.zeros(1, 0), torch.zeros(0))
    assert backend.circuits == [circuit, other]


def test_states_have_the_name_of_their_first_use():
    backend, circuit = StateVector(), templates.siamese_circuit().giving_state
    for name in ("one", "other"):
        backend.states(circuit, torch.zeros(1, 4), torch.zeros(12), name)
    assert (backend.circuits, backend.names) == ([circuit], [["one"]])


def test_a_control_has_no_states():
    with pytest.raises(ConfigError, match="backend=classical has no state vectors; choose backend=statevector"):
        Classical().states(templates.siamese_circuit(), torch.zeros(1, 4), torch.zeros(12))


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (PennyLane(shots=10), r"backprop, backend.shots=10 cannot evaluate .* \(Device default.qubit .* not support"),
        (PennyLane("default.qutrit", "best"), r"cannot evaluate this circuit \(Gate RX not supported on device"),
        pytest.param(
            PennyLane("default.clifford", "best"),
            r"backend.device=default.clifford needs a package that is not installed \(This feature requires stim",
            marks=pytest.mark.skipif(find_spec("stim") is not None, reason="stim is installed"),
        ),
    ],
)
def test_what_a_device_lacks_shows_when_the_layer_is_made(backend, message):
    with pytest.raises(ConfigError, match=message):
        backend.layer(templates.siamese_circuit())


@pytest.mark.parametrize("backend", [StateVector(), PennyLane()])
def test_a_circuit_that_does_not_fit_into_memory_is_named(backend):
    with pytest.raises(ConfigError, match=r"a circuit of 32 qubits needs .* GB of memory and this machine has"):
        backend.layer(templates.siamese_circuit(32))


def test_a_shallow_circuit_of_many_qubits_needs_no_more_than_its_cones():
    layer = StateVector().layer(templates.pair_circuit(40, 1)).double()
    with torch.no_grad():
        layer.weights.zero_()
    out = layer(torch.zeros(2, 40, dtype=torch.float64))
    assert_close(out, torch.zeros(2, 40, dtype=torch.float64), rtol=0, atol=1e-15)  # H and CNOT leave |+...+>


def test_a_device_without_the_method_is_named():
    with pytest.raises(ConfigError, match=r"device lightning.qubit does not support backprop"):
        PennyLane("lightning.qubit", "backprop").layer(templates.siamese_circuit())


def test_what_evaluates_circuits_is_imported_only_when_it_is_used():
    code = """
import sys
from hepexp.config.build import instantiate
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.quantum import statevector, templates

sizes = {"n_scalars": 8, "n_classes": 2, "image_shape": (1, 16, 16)}
for model in ("pfn.PFN", "lorentz_net.LorentzNet", "cnn.CNN"):
    instantiate({"_target_": f"hepexp.models.{model}"}, "model", **sizes, backend=statevector.StateVector())
assert not {"hepexp.quantum.simulator", "hepexp.quantum.evolution"} & set(sys.modules)

from hepexp.quantum import pennylane
pennylane.PennyLane()
statevector.StateVector().layer(templates.siamese_circuit())
assert 'pennylane' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "circuit",
    [
        templates.siamese_circuit(8, 3),
        templates.pair_circuit(10, 1),
        templates.pair_circuit(10, 6),
        Layered(4, 2, "basic_entangler", encoding="RY", reuploading=True),
        Layered(4, 1, "strongly_entangling", encoding="amplitude"),
    ],
)
def test_the_control_has_as_many_parameters_as_the_circuit_and_no_bottleneck(circuit):
    layer = Classical().layer(circuit)
    assert layer.n_parameters == sum(p.numel() for p in layer.parameters())
    assert abs(layer.n_parameters - circuit.n_weights) <= circuit.n_inputs + circuit.n_outputs
    assert str(layer.n_parameters) in repr(layer)
    jacobian = torch.autograd.functional.jacobian(layer.double(), torch.zeros(circuit.n_inputs, dtype=torch.float64))
    assert torch.linalg.matrix_rank(jacobian) == min(circuit.n_inputs, circuit.n_outputs)
    assert jacobian.abs().sum(0).gt(0).all()  # every input is read


def test_neighbours_are_read_on_a_ring():
    layer = Neighbours(4, 2, 4, bias=False)
    layer.weight.data = torch.arange(1.0, 9.0).view(4, 2)
    matrix = torch.tensor([[1.0, 2, 0, 0], [0, 3, 4, 0], [0, 0, 5, 6], [8, 0, 0, 7]])
    x = torch.randn(3, 4) / 10
    assert_close(layer(x), (x @ matrix.T).tanh())


def test_the_control_is_as_large_as_asked_for():
    circuit = templates.siamese_circuit(4, 3)
    assert Classical(hidden=16).layer(circuit).n_parameters == 4 * 16 + 16 + 16 * 4 + 4
    assert abs(Classical(parameters=500).layer(circuit).n_parameters - 500) <= 8


def test_no_perceptron_is_closer_than_that_of_the_control():
    """Whatever the sizes: all widths that are no bottleneck, with and without biases."""
    for circuit in (templates.siamese_circuit(4, 3), templates.pair_circuit(10, 6)):
        n_in, n_out = circuit.n_inputs, circuit.n_outputs
        for wanted in (1, 30, 31, 32, 33, 63, 64, 100, 101, 500, 777):
            widths = range(min(n_in, n_out), 200)
            counts = [Perceptron.count(n_in, width, n_out, bias) for width in widths for bias in (True, False)]
            found = Classical(parameters=wanted).layer(circuit).n_parameters
            assert abs(found - wanted) <= min(abs(count - wanted) for count in counts)


def test_the_size_of_the_control_takes_no_time_to_find():
    with torch.device("meta"):
        layer = Classical(parameters=2**50).layer(templates.siamese_circuit(4, 3))
    assert abs(layer.n_parameters / 2**50 - 1) < 1e-9
