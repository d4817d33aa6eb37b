"""Circuits evaluated by PennyLane: the option `pennylane` of the group `backend`, the reference for every number."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Literal

import torch
from torch import Tensor

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit, Input, Observable, Parameter, Pauli, Weight
from hepexp.quantum.layer import CircuitLayer, computed_in
from hepexp.quantum.simulator import check_memory, states_kept

NAMES = {"H": "Hadamard", "X": "PauliX", "Y": "PauliY", "Z": "PauliZ"}


class PennyLane(Backend):
    """Any device and differentiation method of PennyLane. Importing it takes seconds, and only happens here.

    Parameters
    ----------
    device : a device of PennyLane or of an installed plug-in. Values of devices that return Python's floats, such as
        lightning.qubit, are rounded to single precision by PennyLane's torch interface.
    diff_method : how gradients are made. `backprop` evaluates a batch at once, the others go example by example.
    shots : measurements for each expectation value; None is exact.
    precision : `input` gives the device angles in the precision of the inputs, `single` and `double` in that one.

    Raises
    ------
    ConfigError : no such device, or it lacks the method, a gate, or what else a circuit needs.
    """

    def __init__(
        self,
        device: str = "default.qubit",
        diff_method: Literal["best", "backprop", "adjoint", "parameter-shift", "finite-diff", "spsa"] = "backprop",
        shots: int | None = None,
        precision: Literal["input", "single", "double"] = "input",
    ):
        super().__init__()
        known = sorted({point.name for point in entry_points(group="pennylane.plugins")})
        if device not in known:
            close = did_you_mean(device, known)
            raise ConfigError(
                f"backend.device: PennyLane has no device {device!r}{close} (devices: {', '.join(known)})"
            )
        if shots is not None and shots < 1:
            raise ConfigError(f"backend.shots must be at least 1, or null for exact values, got {shots}")
        self.device, self.diff_method, self.shots, self.precision = device, diff_method, shots, precision

    def _layer(self, circuit: Circuit, scale: float | None) -> CircuitLayer:
        self._check_memory(circuit)
        node = qnode(circuit, self.device, self.diff_method, self.shots)
        self._try(node, circuit)
        evaluate = _all_at_once if self.diff_method == "backprop" else _one_by_one
        return CircuitLayer(circuit, _Evaluation(node, evaluate, circuit), scale, self.precision)

    def _states(self, circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
        if self.shots is not None:
            raise ConfigError(f"a state vector is not measured: backend.shots must be null, got {self.shots}")
        self._check_memory(circuit)
        at_once = self.diff_method == "backprop"
        node = qnode(circuit, self.device, "backprop" if at_once else "best", state=True)
        if self._try(node, circuit).shape != (2**circuit.n_qubits,):
            raise ConfigError(f"backend.device={self.device} has no state vectors; try default.qubit")
        inputs = inputs.to(computed_in(inputs.dtype, self.precision))
        weights = weights.to(inputs.dtype)
        found = node(inputs.T, weights) if at_once else torch.stack([node(row, weights) for row in inputs])
        return found.expand(len(inputs), -1).to(inputs.dtype.to_complex())

    def _check_memory(self, circuit: Circuit) -> None:
        check_memory(circuit.n_qubits, states_kept(circuit.operations) if self.diff_method == "backprop" else 0)

    def _try(self, node: Callable, circuit: Circuit) -> Any:
        """What the node gives at angles of zero; much that a device lacks shows only when it is used."""
        try:
            return node(*(torch.zeros(n, requires_grad=True) for n in (circuit.n_inputs, circuit.n_weights)))
        except Exception as error:  # devices raise many kinds
            reason = re.sub(r"<(.*?) at 0x\w+>", r"\1", str(error).splitlines()[0]).rstrip(".")
            asked = f"backend.diff_method={self.diff_method}, backend.shots={self.shots or 'null'}"
            raise ConfigError(
                f"backend.device={self.device} with {asked} cannot evaluate this circuit ({reason}); "
                "try backend.diff_method=best, or another device"
            ) from error


def qnode(
    circuit: Circuit,
    device: str = "default.qubit",
    diff_method: str = "backprop",
    shots: int | None = None,
    state: bool = False,
) -> Any:
    """The circuit as a PennyLane QNode of (inputs (n_inputs, ...), weights) with torch tensors.

    Parameters
    ----------
    state : give the state vector in place of the circuit's observables.

    Raises
    ------
    ConfigError : the device does not support the method, or needs a package that is not installed.
    """
    import pennylane as qml
    from pennylane.exceptions import QuantumFunctionError

    def angle(parameter: Parameter, inputs: Tensor, weights: Tensor) -> Tensor:
        match parameter:
            case Input(index):
                return inputs[index]
            case Weight(index):
                return weights[index]
            case _:
                return inputs.new_tensor(parameter)

    def observable(measured: Observable) -> Any:
        if isinstance(measured, Pauli):
            pairs = zip(measured.letters, measured.wires, strict=True)
            return qml.prod(*(getattr(qml, NAMES[letter])(wire) for letter, wire in pairs))
        return qml.Projector(list(measured.bits), wires=measured.wires)

    def run(inputs: Tensor, weights: Tensor) -> Any:
        for op in circuit.operations:
            angles = [angle(parameter, inputs, weights) for parameter in op.parameters]
            getattr(qml, NAMES.get(op.name, op.name))(*angles, wires=op.wires)
        return qml.state() if state else [qml.expval(observable(measured)) for measured in circuit.observables]

    try:
        made = qml.QNode(run, qml.device(device, wires=circuit.n_qubits), interface="torch", diff_method=diff_method)
        return made if shots is None else qml.set_shots(made, shots)
    except QuantumFunctionError as error:
        raise ConfigError(f"backend.diff_method: device {device} does not support {diff_method}; try best") from error
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"backend.device={device} lacks a package of its own ({reason}); choose another") from error


class _Evaluation:
    """What a layer calls; not a module, so that the layer's state has nothing of the device's."""

    def __init__(self, node: Callable, evaluate: Callable, circuit: Circuit):
        self.node, self.evaluate, self.n_outputs = node, evaluate, len(circuit.observables)

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        if len(inputs) == 0 or inputs.is_meta:  # nothing to evaluate: only the shape
            return inputs.sum(1, keepdim=True).expand(-1, self.n_outputs)
        return self.evaluate(self.node, inputs, weights.to(inputs.dtype)).to(inputs.dtype)


def _all_at_once(node: Callable, inputs: Tensor, weights: Tensor) -> Tensor:
    """Parameter broadcasting: an angle is a vector over the batch."""
    values = torch.stack([torch.as_tensor(value) for value in node(inputs.T, weights)], dim=-1)
    return values.expand(len(inputs), -1)


def _one_by_one(node: Callable, inputs: Tensor, weights: Tensor) -> Tensor:
    return torch.stack([torch.stack(list(node(row, weights))) for row in inputs])
