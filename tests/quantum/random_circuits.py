"""Random circuits of every kind that the backends support."""

from __future__ import annotations

import random
from collections.abc import Callable

from hepexp.quantum import templates
from hepexp.quantum.circuit import Circuit, Input, Observable, Operation, Pauli, Probabilities, Projector, Weight, z_on
from hepexp.quantum.gates import GATES


def any_gates(seed: int, n_qubits: int = 4, n_operations: int = 30) -> Circuit:
    """Gates of every kind; each angle is an input, a weight (some shared) or a number; every kind of observable."""
    rng = random.Random(seed)
    counts = {Input: 0, Weight: 0}

    def angle() -> float | Input | Weight:
        kind = rng.choice([Input, Weight, None])
        if kind is None:
            return rng.uniform(-3, 3)
        index = rng.randrange(counts[kind] + 1)
        counts[kind] += index == counts[kind]
        return kind(index)

    names = list(GATES) + rng.choices(list(GATES), k=n_operations - len(GATES))
    rng.shuffle(names)
    operations = tuple(
        Operation(name, tuple(rng.sample(range(n_qubits), g.n_wires)), tuple(angle() for _ in range(g.n_parameters)))
        for name, g in ((name, GATES[name]) for name in names)
    )
    return Circuit(n_qubits, operations, _observables(rng, n_qubits))


def one_rotation_an_input(seed: int, n_qubits: int = 4, n_operations: int = 30) -> Circuit:
    """Input k is read by one rotation, anywhere in the circuit: what the matrix route can do."""
    made = any_gates(seed, n_qubits, n_operations)
    n_inputs, operations = 0, []
    for operation in made.operations:
        parameters = []
        for parameter in operation.parameters:
            if isinstance(parameter, Input):
                is_read = operation.gate.n_wires == 1 and n_inputs < 4
                parameter, n_inputs = (Input(n_inputs) if is_read else 0.3), n_inputs + is_read
            parameters.append(parameter)
        operations.append(Operation(operation.name, operation.wires, tuple(parameters)))
    return Circuit(n_qubits, tuple(operations), made.observables)


def shallow(seed: int) -> Circuit:
    """Light cones that are smaller than the circuit, some of one shape."""
    n, depth = [(7, 1), (6, 1), (6, 2)][seed % 3]
    circuit = templates.pair_circuit(n, depth)
    return Circuit(n, circuit.operations, (*circuit.observables, *_observables(random.Random(seed), n)))


def documented(seed: int) -> Circuit:
    """The circuits of the tasks."""
    made: list[Callable[[], Circuit]] = [
        templates.siamese_circuit,
        lambda: templates.strongly_entangling_circuit(4, 2, "RZ"),
        lambda: templates.strongly_entangling_circuit(2, 2, "RY"),
        lambda: templates.siamese_circuit(2, 2),
        lambda: templates.siamese_circuit(1, 2),
        lambda: templates.fidelity_circuit(2),
        lambda: templates.pair_circuit(5, 2),
        templates.QmlHep1A,
        templates.QmlHep1B,
    ]
    return made[seed % len(made)]()


def _observables(rng: random.Random, n_qubits: int) -> tuple[Observable, ...]:
    a, b, c = rng.sample(range(n_qubits), 3)
    products = (Pauli("X", (a,)), Pauli("ZZ", (b, a)), Pauli("YXZ", (a, b, c)), Pauli("Y", (c,)))
    return (*products, Probabilities((c, b)), *z_on([b]), Projector((1, 0), (c, a)))
