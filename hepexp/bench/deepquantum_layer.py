"""Circuits evaluated by DeepQuantum, if it is installed: a reference for `hepexp bench quantum`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.quantum.circuit import Circuit, Input, Operation, Pauli


class DeepQuantumLayer(nn.Module):
    """A circuit of the gates H, RX, RY, RZ, Rot and CNOT that measures single Paulis, with no weight used twice.

    Shapes
    ------
    angles (B, n_inputs) -> (B, n_observables).

    References
    ----------
    https://github.com/TuringQ/deepquantum
    """

    def __init__(self, circuit: Circuit):
        super().__init__()
        from deepquantum import QubitCircuit

        self.circuit = QubitCircuit(circuit.n_qubits)
        self.reads: list[int] = []  # index of the input of each encoding gate, in circuit order
        for operation in circuit.operations:
            self._add(operation)
        for observable in circuit.observables:
            if not isinstance(observable, Pauli) or len(observable.wires) > 1:
                raise ConfigError(f"DeepQuantum is used for single-Pauli observables only, got {observable}")
            self.circuit.observable(observable.wires[0], observable.letters.lower())

    def _add(self, operation: Operation) -> None:
        encode = [parameter.index for parameter in operation.parameters if isinstance(parameter, Input)]
        match operation.name, operation.wires:
            case "H", (wire,):
                self.circuit.h(wire)
            case "CNOT", (control, target):
                self.circuit.cnot(control, target)
            case ("RX" | "RY" | "RZ") as name, (wire,):
                getattr(self.circuit, name.lower())(wire, encode=bool(encode))
            case "Rot", (wire,) if not encode:
                self.circuit.u3(wire)  # Rot(phi, theta, omega) is u3(theta, omega, phi) up to a phase
            case name, _:
                raise ConfigError(f"the gate {name} is not implemented for DeepQuantum")
        self.reads += encode

    def take(self, weights: Tensor) -> None:
        """Set the trained angles (n_weights,), in the order of the gates."""
        with torch.no_grad():
            for gate in self.circuit.operators:
                parameters = list(gate.parameters())
                angles, weights = weights[: len(parameters)], weights[len(parameters) :]
                if len(parameters) == 3:
                    angles = angles[[1, 2, 0]]
                for parameter, angle in zip(parameters, angles, strict=True):
                    parameter.copy_(angle)

    def forward(self, angles: Tensor) -> Tensor:
        self.circuit(angles[:, self.reads])
        return self.circuit.expectation()
