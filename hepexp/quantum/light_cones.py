"""The part of a circuit that each observable depends on, and which of these pieces have the same shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hepexp.quantum.circuit import Circuit, Input, Observable, Operation, Parameter, Weight


@dataclass(frozen=True)
class Stack:
    """Pieces of one shape, evaluated together: the same gates with other inputs and weights.

    Parameters
    ----------
    n_qubits, operations, observables : the shape. Input(s) and Weight(s) are numbered by appearance: slot s.
    inputs : for each piece, the circuit's input that each slot reads.
    weights : for each piece, the circuit's weight that each slot reads.
    columns : for each piece, the circuit's outputs that its observables are.
    amplitudes : so many inputs of the circuit, the first ones, are the state before the gates.
    """

    n_qubits: int
    operations: tuple[Operation, ...]
    observables: tuple[Observable, ...]
    inputs: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[int, ...], ...]
    columns: tuple[tuple[int, ...], ...]
    amplitudes: int = 0


def whole(circuit: Circuit, exact_phase: bool = False) -> Stack:
    """A circuit as one piece, with the global phase of its state only if asked for."""
    operations = circuit.operations if exact_phase else tuple(one_angle_a_gate(circuit.operations))
    operations, inputs, weights = _numbered_by_appearance(operations)
    columns = tuple(range(len(circuit.observables)))
    pieces = (inputs,), (weights,), (columns,)
    return Stack(circuit.n_qubits, operations, circuit.observables, *pieces, circuit.amplitudes)


def light_cones(circuit: Circuit) -> list[Stack]:
    """The backward light cone of each observable; equal cones are one piece, and cones of one shape one stack.

    A gate outside an observable's cone cancels: <psi| U^+ O U |psi> = <psi| O |psi> where U and O share no wire. A
    state that the inputs are has no smaller pieces.
    """
    if circuit.amplitudes:
        return [whole(circuit)]
    cones: dict[tuple, list[int]] = {}
    for column, observable in enumerate(circuit.observables):
        cones.setdefault(_cone(circuit, observable.wires), []).append(column)
    pieces: dict[tuple, list[tuple]] = {}
    for (wires, kept), columns in cones.items():
        local = {wire: k for k, wire in enumerate(wires)}
        operations = [circuit.operations[i] for i in kept]
        measured = [circuit.observables[column] for column in columns]
        moved = [replace(item, wires=tuple(local[w] for w in item.wires)) for item in (*operations, *measured)]
        shape, inputs, weights = _numbered_by_appearance(tuple(one_angle_a_gate(moved[: len(operations)])))
        key = (len(wires), shape, tuple(moved[len(operations) :]))
        pieces.setdefault(key, []).append((inputs, weights, tuple(columns)))
    return [Stack(*shape, *zip(*members, strict=True)) for shape, members in pieces.items()]


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
