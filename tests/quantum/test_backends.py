"""The options of the group `backend`: the same interface, the same weights."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.quantum import templates
from hepexp.quantum.classical import Classical
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector

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
    circuit = templates.qmlhep_1_b()
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


def test_a_device_without_the_method_is_named():
    with pytest.raises(ConfigError, match=r"device lightning.qubit does not support backprop"):
        PennyLane("lightning.qubit", "backprop").layer(templates.siamese_circuit())


def test_pennylane_is_imported_only_when_it_is_used():
    code = """
import sys
from hepexp.quantum import pennylane, statevector, templates
pennylane.PennyLane()
statevector.StateVector().layer(templates.siamese_circuit())
assert 'pennylane' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("circuit", [templates.siamese_circuit(8, 3), templates.pair_circuit(10, 6)])
def test_the_control_has_as_many_parameters_as_the_circuit(circuit):
    layer = Classical().layer(circuit)
    assert layer.n_parameters == sum(p.numel() for p in layer.parameters())
    assert abs(layer.n_parameters - circuit.n_weights) <= circuit.n_inputs + len(circuit.observables)
    assert str(layer.n_parameters) in repr(layer)


def test_the_control_is_as_large_as_asked_for():
    circuit = templates.siamese_circuit(4, 3)
    assert Classical(hidden=16).layer(circuit).n_parameters == 4 * 16 + 16 + 16 * 4 + 4
    assert abs(Classical(parameters=500).layer(circuit).n_parameters - 500) <= 8
