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
    """Circuits on any device and with any differentiation method of PennyLane, which is only imported when needed.

    Parameters
    ----------
    device : a device of PennyLane or of an installed plug-in. Values of devices that return Python's floats, such as
        lightning.qubit, are rounded to single precision by PennyLane's torch interface.
    diff_method : how gradients are computed. `backprop` evaluates a whole batch at a time, the others one example at a
        time.
    shots : number of measurements for each expectation value; null for exact values.
    precision : `input` gives the device angles in the precision of the inputs, `single` and `double` in the one named.

    Raises
    ------
    ConfigError : no such device, or one that lacks the method, a gate, or anything else that the circuit needs.
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
            raise ConfigError(f"a state vector takes no shots: backend.shots must be null, got {self.shots}")
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
        """The node's values at zero angles, equal amplitudes; much of what a device lacks shows only in its use."""
        try:
            inputs = torch.zeros(circuit.n_inputs).index_fill_(0, torch.arange(circuit.amplitudes), 1)
            return node(inputs.requires_grad_(), torch.zeros(circuit.n_weights, requires_grad=True))
        except Exception as error:  # devices raise many kinds of errors
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
    state : return the state vector instead of the circuit's observables.

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
        if circuit.amplitudes:
            x = inputs[: circuit.amplitudes].movedim(0, -1)
            qml.AmplitudeEmbedding(x, wires=range(circuit.n_qubits), pad_with=0, normalize=True)
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
        raise ConfigError(
            f"backend.device={device} needs a package that is not installed ({reason}); install it, or choose "
            "another device"
        ) from error


class _Evaluation:
    """What a layer calls; not a module, so that the layer's state dict contains nothing from the device."""

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
