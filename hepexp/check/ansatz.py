"""The circuit of a run at other depths and numbers of qubits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hepexp.quantum.circuit import Circuit, Input, Operation, Pauli, Weight
from hepexp.quantum.layered import ANSAETZE
from hepexp.quantum.templates import Operations

MOST_LAYERS = 64  # that are recognised
LOCAL, GLOBAL = "local", "global"  # <Z> of the first qubit, and of the product of all


@dataclass(frozen=True)
class Ansatz:
    """Trained layers that can be laid out at other sizes.

    Parameters
    ----------
    name : of a template of `hepexp.quantum.layered`, or `repeated` for all trained gates of a circuit in sequence.
    n_qubits, n_layers : of the circuit.
    layers : (wires, number of layers) -> gates.
    resizes : whether the number of qubits can differ.
    """

    name: str
    n_qubits: int
    n_layers: int
    layers: Callable[[range, int], Operations]
    resizes: bool

    def measuring(self, n_qubits: int, n_layers: int) -> Circuit:
        """RY(pi / 4) on each qubit, the layers, and the local and the global observable, in this order.

        The rotations take the state out of the eigenstates of the gates that follow (arXiv:1803.11173).
        """
        wires = range(n_qubits)
        before = tuple(Operation("RY", (wire,), (0.7853981633974483,)) for wire in wires)
        observables = (Pauli("Z", (0,)), Pauli("Z" * n_qubits, tuple(wires)))
        return Circuit(n_qubits, before + self.layers(wires, n_layers), observables)


def ansatz_of(circuit: Circuit) -> Ansatz:
    """The layers of trained gates of a circuit that has some.

    Gates with inputs, and the gates before the first trained one, are left out.
    """
    own = tuple(op for op in circuit.operations if not any(isinstance(p, Input) for p in op.parameters))
    n = circuit.n_qubits
    for name, make in ANSAETZE.items():
        for n_layers in range(1, MOST_LAYERS + 1):
            made = make(range(n), n_layers)
            if len(made) > len(own):
                break
            if made == own[-len(made) :] and circuit.n_weights == _n_weights(made):
                return Ansatz(name, n, n_layers, make, True)
    first = next(k for k, op in enumerate(own) if any(isinstance(p, Weight) for p in op.parameters))
    block = own[first:]

    def repeated(wires: range, n_layers: int) -> Operations:
        return tuple(_shifted(op, k * circuit.n_weights) for k in range(n_layers) for op in block)

    return Ansatz("repeated", n, 1, repeated, False)


def _n_weights(operations: Operations) -> int:
    return len({p.index for op in operations for p in op.parameters if isinstance(p, Weight)})


def _shifted(operation: Operation, by: int) -> Operation:
    moved = tuple(Weight(p.index + by) if isinstance(p, Weight) else p for p in operation.parameters)
    return replace(operation, parameters=moved)
