"""Fidelities of states, swap tests and noise: our simulation vs PennyLane's, forward and backward.

What no implementation can avoid, and each row says (`operations` and `bytes` of a pair or a circuit, single precision):

- Fidelities of all pairs of B states of n qubits: a complex product and sum for each amplitude of a pair, 8 operations
  forward and twice as many backward, 24 * 2^n in all; an overlap is written once and its gradient read once, 16 bytes.
  At the 180 GFLOP/s that two cores reach in matrix products, 8 qubits allow 29 million pairs/s. The B states themselves
  cost B evaluations of the circuit, which vanish beside B^2 pairs.
- A swap test of registers of n qubits equals |<a|b>|^2: two states of n qubits, not one of 2 n + 1, are needed. A gate
  on a wire takes 7 operations an amplitude, and 21 with its gradients; inputs, outputs and their gradients are 8 bytes
  each.
- A gate with an error acts on the rows and on the columns of a density matrix of 4^n entries: 14 operations, and 4 of
  the channel, three times with gradients.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hepexp.quantum.circuit import Circuit, Operation, z_on
from hepexp.quantum.fidelity import fidelities, fidelity
from hepexp.quantum.layer import amplitudes
from hepexp.quantum.layered import Layered
from hepexp.quantum.noise import with_errors
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import angle_encoding, pair_block, swap_test

ERROR = 0.01  # probability of an error after each gate, on each wire
Made = dict[str, tuple[nn.Module, Tensor, int]]  # by implementation: module, inputs, number of pairs or circuits


class AllPairs(nn.Module):
    """|<psi_a|psi_b>|^2 (B, B) of the states of inputs (B, n_inputs)."""

    def __init__(self, layer: nn.Module, compare: Callable[[Tensor], Tensor]):
        super().__init__()
        self.layer, self.compare = layer, compare

    def forward(self, x: Tensor) -> Tensor:
        return self.compare(amplitudes(self.layer(x)))


class TwoStates(nn.Module):
    """|<a|b>|^2 (B, 1) of the states of both halves of inputs (B, 2 n_inputs)."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        a, b = (amplitudes(self.layer(half)) for half in x.chunk(2, dim=1))
        return fidelity(a, b)[:, None]


def fidelity_of_all_pairs(n_qubits: int = 8, batch: int = 256) -> tuple[Made, dict[str, float]]:
    """One Gram matrix; PennyLane's states, compared pair by pair by its own function."""
    circuit = Layered(n_qubits, 2, observables="state")
    ours, theirs = _alike(circuit, StateVector(), PennyLane())
    x = 3 * torch.rand(batch, n_qubits)
    few = x[: min(batch, 64)]
    made: Made = {
        "statevector": (AllPairs(ours, lambda psi: fidelities(psi, psi)), x, batch**2),
        "default.qubit": (AllPairs(theirs, _pair_by_pair), few, len(few) ** 2),
    }
    return made, {"operations": 24 * 2**n_qubits, "bytes": 16}


def swap_test_of_registers(n_qubits: int = 4, batch: int = 1024) -> tuple[Made, dict[str, float]]:
    """The circuit with its ancilla, and the two states that it compares."""
    one = Circuit(n_qubits, _prepare(range(n_qubits), 0), z_on([0]))
    a, b = range(1, 1 + n_qubits), range(1 + n_qubits, 1 + 2 * n_qubits)
    operations = (*_prepare(a, 0), *_prepare(b, n_qubits), *swap_test(0, a, b))
    circuit = Circuit(1 + 2 * n_qubits, operations, z_on([0]))
    ours, theirs, slow = _alike(circuit, StateVector(), PennyLane(), PennyLane("lightning.qubit", "adjoint"))
    states = StateVector().layer(Circuit(n_qubits, one.operations, Layered(n_qubits, observables="state").observables))
    states.load_state_dict(ours.state_dict())
    x = 3 * torch.rand(batch, circuit.n_inputs)
    made: Made = {
        "statevector": (ours, x, batch),
        "statevector, two states": (TwoStates(states), x, batch),
        "default.qubit": (theirs, x[:256], min(batch, 256)),
        "lightning.qubit": (slow, x[:8], min(batch, 8)),
    }
    gates = 2 * sum(len(op.wires) == 1 for op in one.operations)
    return made, {"operations": 21 * 2**n_qubits * gates, "bytes": 8 * (circuit.n_inputs + 1)}


def noise(n_qubits: int = 4, batch: int = 256) -> tuple[Made, dict[str, float]]:
    """Depolarising errors, exactly and by 100 trajectories."""
    circuit = Layered(n_qubits, 2)
    exact, drawn = _alike(circuit, StateVector(depolarising=ERROR), StateVector(depolarising=ERROR, trajectories=100))
    (theirs,) = _alike(with_errors(circuit, ERROR), PennyLane("default.mixed"))
    theirs.load_state_dict(exact.state_dict())
    x = 3 * torch.rand(batch, n_qubits)
    made: Made = {
        "statevector": (exact, x, batch),
        "statevector, 100 trajectories": (drawn, x, batch),
        "default.mixed": (theirs, x[:32], min(batch, 32)),
    }
    gates = sum(len(op.wires) == 1 for op in circuit.operations)
    return made, {"operations": 3 * (14 + 4) * 4**n_qubits * gates, "bytes": 8 * 2 * n_qubits}


CASES: dict[str, Callable[[], tuple[Made, dict[str, float]]]] = {
    "fidelity_q8_b256": fidelity_of_all_pairs,
    "swap_test_q4_b1024": swap_test_of_registers,
    "noise_q4_l2_b256": noise,
}


def _prepare(wires: range, first_input: int) -> tuple[Operation, ...]:
    return (*angle_encoding(wires, "RY", hadamard=True, first_input=first_input), *pair_block(wires, 1))


def _alike(circuit: Circuit, *backends: StateVector | PennyLane) -> list[nn.Module]:
    """A layer of each backend, with the same weights."""
    layers = [backend.layer(circuit) for backend in backends]
    for layer in layers[1:]:
        layer.load_state_dict(layers[0].state_dict())
    return layers


def _pair_by_pair(psi: Tensor) -> Tensor:
    from pennylane.math import fidelity_statevector

    n = len(psi)
    found = fidelity_statevector(
        psi.repeat_interleave(n, 0).to(torch.complex128), psi.repeat(n, 1).to(torch.complex128)
    )
    return found.view(n, n)
