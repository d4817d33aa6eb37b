"""The part of a circuit that each observable depends on, and which of these pieces have the same shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from hepexp.quantum.circuit import Circuit, Input, Observable, Operation, Parameter, Pauli, Projector, State, Weight


@dataclass(frozen=True)
class Stack:
    """Pieces of one shape, evaluated together: the same gates with other inputs and weights.

    Parameters
    ----------
    n_qubits, operations, observables : the shape. Input(s) and Weight(s) are numbered by appearance: slot s.
    inputs : for each piece, the circuit's input that each slot reads.
    weights : for each piece, the circuit's weight that each slot reads.
    columns : for each piece, the circuit's outputs that its observables give.
    amplitudes : so many inputs of the circuit, the first ones, are the state before the gates.
    """

    n_qubits: int
    operations: tuple[Operation, ...]
    observables: tuple[Observable, ...]
    inputs: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[int, ...], ...]
    columns: tuple[tuple[int, ...], ...]
    amplitudes: int = 0

    @property
    def n_outputs(self) -> int:
        return len(self.columns[0])

    @property
    def has_state(self) -> bool:
        return isinstance(self.observables[0], State)

    @property
    def has_forms(self) -> bool:
        """Whether each output is a quadratic form of the state by itself."""
        return all(isinstance(observable, Pauli | Projector) for observable in self.observables)


def whole(circuit: Circuit) -> Stack:
    """A circuit as one piece, with the global phase of its state only if the state is the output."""
    operations = circuit.operations if circuit.has_state else tuple(one_angle_a_gate(circuit.operations))
    operations, inputs, weights = _numbered_by_appearance(operations)
    columns = tuple(range(circuit.n_outputs))
    pieces = (inputs,), (weights,), (columns,)
    return Stack(circuit.n_qubits, operations, circuit.observables, *pieces, circuit.amplitudes)


def light_cones(circuit: Circuit) -> list[Stack]:
    """The backward light cone of each observable; equal cones are one piece, and cones of one shape one stack.

    A gate outside an observable's cone cancels: <psi| U^+ O U |psi> = <psi| O |psi> where U and O share no wire. A
    state that the inputs are has no smaller pieces.
    """
    if circuit.amplitudes or circuit.has_state:
        return [whole(circuit)]
    first = list(accumulate((one.n_outputs for one in circuit.observables), initial=0))
    cones: dict[tuple, list[int]] = {}
    for i, observable in enumerate(circuit.observables):
        cones.setdefault(_cone(circuit, observable.wires), []).append(i)
    pieces: dict[tuple, list[tuple]] = {}
    for (wires, kept), members in cones.items():
        local = {wire: k for k, wire in enumerate(wires)}
        operations = [circuit.operations[i] for i in kept]
        measured = [circuit.observables[i] for i in members]
        moved = [replace(item, wires=tuple(local[w] for w in item.wires)) for item in (*operations, *measured)]
        shape, inputs, weights = _numbered_by_appearance(tuple(one_angle_a_gate(moved[: len(operations)])))
        key = (len(wires), shape, tuple(moved[len(operations) :]))
        columns = tuple(column for i in members for column in range(first[i], first[i + 1]))
        pieces.setdefault(key, []).append((inputs, weights, columns))
    return [Stack(*shape, *zip(*alike, strict=True)) for shape, alike in pieces.items()]


def largest_cone(circuit: Circuit) -> int:
    """The largest number of qubits that an observable depends on."""
    if circuit.amplitudes:
        return circuit.n_qubits
    return max(len(_cone(circuit, observable.wires)[0]) for observable in circuit.observables)


def _cone(circuit: Circuit, measured: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Wires of a cone, and the indices of its operations."""
    wires, kept = set(measured), []
    for i in reversed(range(len(circuit.operations))):
        if wires & set(circuit.operations[i].wires):
            wires |= set(circuit.operations[i].wires)
            kept.append(i)
    return tuple(sorted(wires)), tuple(reversed(kept))


def _numbered_by_appearance(
    operations: tuple[Operation, ...],
) -> tuple[tuple[Operation, ...], tuple[int, ...], tuple[int, ...]]:
    """Operations whose inputs and weights are slots, one for each angle of a gate, and what each slot reads."""
    read: dict[type, list[int]] = {Input: [], Weight: []}

    def slot(parameter: Parameter) -> Parameter:
        if not isinstance(parameter, Input | Weight):
            return parameter
        read[type(parameter)].append(parameter.index)
        return type(parameter)(len(read[type(parameter)]) - 1)

    made = tuple(replace(op, parameters=tuple(map(slot, op.parameters))) for op in operations)
    return made, tuple(read[Input]), tuple(read[Weight])


def one_angle_a_gate(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The same gates, with those that read inputs as rotations by one angle; up to a global phase."""
    for operation in operations:
        if not any(isinstance(parameter, Input) for parameter in operation.parameters):
            yield operation
        elif operation.name == "Rot":
            for name, parameter in zip(("RZ", "RY", "RZ"), operation.parameters, strict=True):
                yield Operation(name, operation.wires, (parameter,))
        elif operation.name == "PhaseShift":
            yield replace(operation, name="RZ")
        else:
            yield operation
