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
from hepexp.quantum.circuit import Circuit, Input, Observable, Parameter, Pauli, Probabilities, Projector, Weight
from hepexp.quantum.layer import Evaluate
from hepexp.quantum.simulator import check_memory, states_kept

NAMES = {"H": "Hadamard", "X": "PauliX", "Y": "PauliY", "Z": "PauliZ", "Depolarising": "DepolarizingChannel"}


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

    def _evaluation(self, circuit: Circuit) -> Evaluate:
        at_once = self.diff_method == "backprop"
        if circuit.has_state and self.shots is not None:
            raise ConfigError(f"a state vector takes no shots: backend.shots must be null, got {self.shots}")
        check_memory(circuit.n_qubits, states_kept(circuit.operations) if at_once else 0)
        method = self.diff_method if at_once or not circuit.has_state else "best"
        node = qnode(circuit, self.device, method, self.shots)
        values = self._try(node, circuit)
        if circuit.has_state and values.shape != (2**circuit.n_qubits,):
            raise ConfigError(f"backend.device={self.device} has no state vectors; try default.qubit")
        return _Evaluation(node, _all_at_once if at_once else _one_by_one, circuit)

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
) -> Any:
    """The circuit as a PennyLane QNode of (inputs (n_inputs, ...), weights) with torch tensors.

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

    def measurement(measured: Observable) -> Any:
        match measured:
            case Pauli(letters, wires):
                pairs = zip(letters, wires, strict=True)
                return qml.expval(qml.prod(*(getattr(qml, NAMES[letter])(wire) for letter, wire in pairs)))
            case Projector(bits, wires):
                return qml.expval(qml.Projector(list(bits), wires=wires))
            case Probabilities(wires):
                return qml.probs(wires=wires)
            case _:
                return qml.state()

    def run(inputs: Tensor, weights: Tensor) -> Any:
        if circuit.amplitudes:
            x = inputs[: circuit.amplitudes].movedim(0, -1)
            qml.AmplitudeEmbedding(x, wires=range(circuit.n_qubits), pad_with=0, normalize=True)
        for op in circuit.operations:
            angles = [angle(parameter, inputs, weights) for parameter in op.parameters]
            getattr(qml, NAMES.get(op.name, op.name))(*angles, wires=op.wires)
        found = [measurement(measured) for measured in circuit.observables]
        return found[0] if circuit.has_state else found

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
        self.node, self.evaluate, self.circuit = node, evaluate, circuit

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        if len(inputs) == 0 or inputs.is_meta:  # nothing to evaluate: only the shape
            return inputs.sum(1, keepdim=True).expand(-1, self.circuit.n_outputs)
        return self.evaluate(self._outputs, inputs, weights.to(inputs.dtype)).to(inputs.dtype)

    def _outputs(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The node's values as (..., n_outputs)."""
        values = self.node(inputs, weights)
        if self.circuit.has_state:
            return torch.cat([values.real, values.imag], dim=-1)
        pairs = zip(map(torch.as_tensor, values), self.circuit.observables, strict=True)
        return torch.cat([x if isinstance(one, Probabilities) else x[..., None] for x, one in pairs], dim=-1)


def _all_at_once(outputs: Callable, inputs: Tensor, weights: Tensor) -> Tensor:
    """Parameter broadcasting: an angle is a vector over the batch."""
    return outputs(inputs.T, weights).expand(len(inputs), -1)


def _one_by_one(outputs: Callable, inputs: Tensor, weights: Tensor) -> Tensor:
    return torch.stack([outputs(row, weights) for row in inputs])
