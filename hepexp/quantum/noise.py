"""Noise of a quantum computer: depolarising errors after each gate, and a finite number of shots."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.quantum.circuit import Circuit, Operation, Pauli
from hepexp.quantum.gates import CHANNELS

DEPOLARISING = "Depolarising"


def with_errors(circuit: Circuit, probability: float) -> Circuit:
    """The same circuit with a depolarising channel after each gate, on each of its wires."""
    operations = []
    for operation in circuit.operations:
        errors = [Operation(DEPOLARISING, (wire,), (probability,)) for wire in operation.wires]
        operations += [operation, *(errors if operation.name not in CHANNELS else [])]
    return Circuit(circuit.n_qubits, tuple(operations), circuit.observables, circuit.amplitudes)


def without_errors(circuit: Circuit) -> Circuit:
    """The same circuit without its channels."""
    gates = tuple(operation for operation in circuit.operations if operation.name not in CHANNELS)
    if len(gates) == len(circuit.operations):
        return circuit
    return Circuit(circuit.n_qubits, gates, circuit.observables, circuit.amplitudes)


def has_errors(operations: tuple[Operation, ...]) -> bool:
    return any(operation.name in CHANNELS for operation in operations)


def gathered(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """The same gates and channels, with one channel in place of those that only one-wire gates separate.

    A depolarising channel commutes with every gate on its wire alone: what is left of X, Y and Z is the same fraction
    1 - 4 p / 3 in all directions.
    """
    made: list[Operation] = []
    left: dict[int, float] = {}  # by wire, the fraction left of X, Y and Z by channels that wait

    def apply_channels(wires: tuple[int, ...]) -> None:
        for wire in wires:
            if wire in left:
                made.append(Operation(DEPOLARISING, (wire,), (0.75 * (1 - left.pop(wire)),)))

    for operation in operations:
        if operation.name in CHANNELS:
            (wire,) = operation.wires
            left[wire] = left.get(wire, 1.0) * (1 - 4 * operation.probability / 3)
            continue
        if len(operation.wires) > 1:
            apply_channels(operation.wires)
        made.append(operation)
    apply_channels(tuple(left))
    return tuple(made)


class Shots(nn.Module):
    """Outputs of a circuit as a number of measurements of each observable estimates them.

    Each observable is measured on its own, so errors of different ones are independent; the probabilities of one
    observable are counts of the same shots. Gradients are those of the exact values, which is the mean of what the
    parameter-shift rule gives with shots.

    Parameters
    ----------
    exact : (inputs (B, n_inputs), weights (n_weights,)) -> (B, n_outputs), exact.
    circuit : whose observables these are.
    shots : number of measurements of each.
    """

    def __init__(self, exact: nn.Module, circuit: Circuit, shots: int):
        super().__init__()
        self.exact, self.shots = exact, shots
        self.observables = circuit.observables

    def forward(self, inputs: Tensor, weights: Tensor) -> Tensor:
        exact = self.exact(inputs, weights)
        if exact.is_meta:
            return exact
        with torch.no_grad():
            split = exact.double().split([one.n_outputs for one in self.observables], dim=1)
            drawn = [self._measured(values, one) for values, one in zip(split, self.observables, strict=True)]
            difference = torch.cat(drawn, dim=1).to(exact.dtype) - exact
        return exact + difference

    def _measured(self, values: Tensor, observable: object) -> Tensor:
        if isinstance(observable, Pauli):
            return 2 * self._fraction((1 + values) / 2) - 1
        return self._fraction(values) if values.shape[1] == 1 else self._fractions(values)

    def _fraction(self, probability: Tensor) -> Tensor:
        return _successes(torch.full_like(probability, self.shots), probability) / self.shots

    def _fractions(self, probabilities: Tensor) -> Tensor:
        """Of each basis state (B, 2^k): the shots are divided among halves, then among halves of these, ..."""
        counts = torch.full_like(probabilities[:, :1], self.shots)
        while counts.shape[1] < probabilities.shape[1]:
            first, second = probabilities.unflatten(1, (counts.shape[1], 2, -1)).sum(-1).unbind(2)
            drawn = _successes(counts, first / (first + second).clamp(min=1e-300))
            counts = torch.stack([drawn, counts - drawn], dim=2).flatten(1)
        return counts / self.shots


def _successes(n: Tensor, probability: Tensor) -> Tensor:
    return _binomial(n, probability.clamp(0, 1))


# torch.compile knows nothing of torch.binomial, and could not trace batches of several sizes
@torch.library.custom_op(
    "hepexp::binomial",
    mutates_args=(),
    schema="(Tensor n, Tensor probability) -> Tensor",
    tags=(torch.Tag.nondeterministic_seeded,),
)
def _binomial(n: Tensor, probability: Tensor) -> Tensor:
    return torch.binomial(n, probability)


@_binomial.register_fake
def _(n: Tensor, probability: Tensor) -> Tensor:
    return torch.empty_like(probability)
