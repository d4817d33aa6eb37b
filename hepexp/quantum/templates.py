"""Building blocks of circuits, and the circuits of the tasks built from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import log2, pi
from typing import Literal

from hepexp.errors import ConfigError
from hepexp.memory import total
from hepexp.quantum.circuit import MOST_QUBITS, Circuit, Input, Operation, Parameter, Weight, z_on

Operations = tuple[Operation, ...]
Rotation = Literal["RX", "RY", "RZ"]

MOST_GATES = 1000


def angle_encoding(
    wires: Sequence[int], rotation: Rotation = "RX", hadamard: bool = False, first_input: int = 0
) -> Operations:
    """A rotation of each wire by its own input, optionally after a Hadamard gate on each."""
    before = [Operation("H", (wire,)) for wire in wires] if hadamard else []
    inputs = [Operation(rotation, (wire,), (Input(first_input + k),)) for k, wire in enumerate(wires)]
    return (*before, *inputs)


def strongly_entangling(wires: Sequence[int], n_layers: int, first_weight: int = 0) -> Operations:
    """Layers of Rot on each wire and a ring of CNOTs; in layer l, wire i controls wire i + 1 + l mod (n - 1).

    Takes 3 n_layers n weights, in the order (layer, wire, angle).

    References
    ----------
    Schuld et al., arXiv:1804.00633.
    """
    n, made = len(wires), []
    for layer in range(n_layers):
        for k, wire in enumerate(wires):
            first = first_weight + 3 * (layer * n + k)
            made.append(Operation("Rot", (wire,), (Weight(first), Weight(first + 1), Weight(first + 2))))
        if n > 1:
            step = 1 + layer % (n - 1)
            made += [Operation("CNOT", (wires[k], wires[(k + step) % n])) for k in range(n)]
    return tuple(made)


def basic_entangler(
    wires: Sequence[int], n_layers: int, rotation: Rotation = "RX", first_weight: int = 0
) -> Operations:
    """Layers of a rotation on each wire and a ring of CNOTs; two wires have one CNOT. Takes n_layers n weights."""
    n, made = len(wires), []
    for layer in range(n_layers):
        made += [Operation(rotation, (wire,), (Weight(first_weight + layer * n + k),)) for k, wire in enumerate(wires)]
        ring = range(n if n > 2 else n - 1)
        made += [Operation("CNOT", (wires[k], wires[(k + 1) % n])) for k in ring]
    return tuple(made)


def pair_block(wires: Sequence[int], depth: int, first_weight: int = 0) -> Operations:
    """`depth` times: CNOT on pairs (0, 1), (2, 3), ..., CNOT on pairs (1, 2), (3, 4), ..., RY(theta_k) on each wire.

    Takes depth n weights.
    """
    n, made = len(wires), []
    for layer in range(depth):
        made += [Operation("CNOT", (wires[k], wires[k + 1])) for first in (0, 1) for k in range(first, n - 1, 2)]
        made += [Operation("RY", (wire,), (Weight(first_weight + layer * n + k),)) for k, wire in enumerate(wires)]
    return tuple(made)


def equivariant_layers(wires: Sequence[int], n_layers: int, first_weight: int = 0) -> Operations:
    """Layers of RX(a) RY(b) on each wire and exp(-i c Z Z / 2) on each pair, with the same a, b, c for all of them.

    They commute with every permutation of the wires. Takes 3 n_layers weights, 2 n_layers on a single wire.

    References
    ----------
    Schatzki et al., arXiv:2210.09974.
    """
    made: list[Operation] = []
    per_layer = 3 if len(wires) > 1 else 2
    for layer in range(n_layers):
        a, b, c = (Weight(first_weight + per_layer * layer + k) for k in range(3))
        made += [Operation(name, (wire,), (angle,)) for name, angle in (("RX", a), ("RY", b)) for wire in wires]
        made += [operation for pair in combinations(wires, 2) for operation in zz_coupling(*pair, c)]
    return tuple(made)


def zz_coupling(a: int, b: int, angle: Parameter) -> Operations:
    """exp(-i angle Z_a Z_b / 2)."""
    return Operation("CNOT", (a, b)), Operation("RZ", (b,), (angle,)), Operation("CNOT", (a, b))


def swap_test(ancilla: int, a: Sequence[int], b: Sequence[int]) -> Operations:
    """Compare registers a and b: <Z> of the ancilla becomes |<a|b>|^2 for pure states of separate registers.

    References
    ----------
    Buhrman et al., arXiv:quant-ph/0102001.
    """
    if len(a) != len(b):
        raise ConfigError(f"a swap test compares registers of equal size, got {len(a)} and {len(b)} wires")
    swaps = [Operation("CSWAP", (ancilla, i, j)) for i, j in zip(a, b, strict=True)]
    return (Operation("H", (ancilla,)), *swaps, Operation("H", (ancilla,)))


def pairwise_swap_test(ancillas: Sequence[int], a: Sequence[int], b: Sequence[int]) -> Operations:
    """One swap test for each pair of qubits; <Z> of ancilla k is Tr(rho_k sigma_k) of the reduced states."""
    if not len(ancillas) == len(a) == len(b):
        raise ConfigError(f"pairwise swap tests need as many ancillas as pairs: {len(ancillas)}, {len(a)}, {len(b)}")
    return tuple(op for k, i, j in zip(ancillas, a, b, strict=True) for op in swap_test(k, [i], [j]))


def wires_of(n_qubits: int, n_layers: int, all_pairs: bool = False) -> range:
    """The wires of a circuit, whose number of gates is checked first.

    Parameters
    ----------
    all_pairs : whether a layer has gates on each pair of wires.

    Raises
    ------
    ConfigError : it has so many gates that laying it out would take minutes, and no machine could evaluate it.
    """
    n, what = (n_qubits * (n_qubits - 1) // 2, "pairs of qubits") if all_pairs else (n_qubits, "qubits")
    if n_qubits > MOST_QUBITS or n * n_layers > MOST_GATES:
        layers = f"{n_layers:,} layer{'' if n_layers == 1 else 's'}"
        raise ConfigError(
            f"a circuit of {n_qubits:,} qubits and {layers} is too large: at most {MOST_QUBITS:,} qubits, "
            f"and {what} times layers at most {MOST_GATES:,}; this machine has memory for states of "
            f"{int(log2(total() / 16))} qubits"
        )
    return range(n_qubits)


def strongly_entangling_circuit(n_qubits: int, n_layers: int, rotation: Rotation = "RX") -> Circuit:
    """Angle encoding, strongly entangling layers, <Z> on each wire."""
    wires = wires_of(n_qubits, n_layers)
    operations = angle_encoding(wires, rotation) + strongly_entangling(wires, n_layers)
    return Circuit(n_qubits, operations, z_on(wires))


def siamese_circuit(n_qubits: int = 4, n_layers: int = 3) -> Circuit:
    """The circuit of the siamese hybrid network: RX encoding, basic entangler layers, <Z> on each wire."""
    wires = wires_of(n_qubits, n_layers)
    return Circuit(n_qubits, angle_encoding(wires) + basic_entangler(wires, n_layers), z_on(wires))


def pair_circuit(n_qubits: int = 10, depth: int = 1) -> Circuit:
    """The circuit of QMLHEP V: H, RY by an input, the pair block, <Z> on each wire."""
    wires = wires_of(n_qubits, depth)
    return Circuit(n_qubits, angle_encoding(wires, "RY", hadamard=True) + pair_block(wires, depth), z_on(wires))


def state_circuit(n_qubits: int = 4, depth: int = 1, reupload: bool = True) -> Circuit:
    """H, then RY by an input on each wire, then pair blocks, after each of which RZ encodes the inputs again.

    RY would commute with the trained RY before it, and take away its effect on fidelities. Without `reupload` the
    inputs are encoded once, before the blocks, as each register of QMLHEP VI is.
    """
    wires = wires_of(n_qubits, depth)
    operations = angle_encoding(wires, "RY", hadamard=True)
    for layer in range(depth):
        operations += pair_block(wires, 1, first_weight=layer * n_qubits)
        operations += angle_encoding(wires, "RZ") if reupload else ()
    return Circuit(n_qubits, operations, z_on(wires))


def fidelity_circuit(n_features: int = 4, depth: int = 1) -> Circuit:
    """The circuit of QMLHEP VI: two registers, encoded and entangled separately, then pairwise swap tests.

    Wires are n_features ancillas and two registers of n_features; inputs are the first register's angles, then the
    second's. Both registers pass through the same block with the same weights, so equal inputs give equal states.
    Output k is Tr(rho_k sigma_k) of the reduced states of the registers' qubits k: their fidelity where they are pure.
    """
    wires_of(3 * n_features, depth)
    ancillas, a, b = (range(k * n_features, (k + 1) * n_features) for k in range(3))
    operations = (
        angle_encoding(a, "RY", hadamard=True)
        + angle_encoding(b, "RY", hadamard=True, first_input=n_features)
        + pair_block(a, depth)
        + pair_block(b, depth)
        + pairwise_swap_test(ancillas, a, b)
    )
    return Circuit(3 * n_features, operations, z_on(ancillas))


class Fidelity(Circuit):
    """The circuit of QMLHEP VI: two registers of equal gates, compared qubit by qubit.

    Parameters
    ----------
    n_features : inputs of a register, and qubits of it.
    depth : layers of CNOTs and trained rotations.
    """

    def __init__(self, n_features: int = 4, depth: int = 1) -> None:
        for key, value in {"n_features": n_features, "depth": depth}.items():
            if value < 1:
                raise ConfigError(f"a circuit's {key} must be >= 1, got {value}")
        made = fidelity_circuit(n_features, depth)
        super().__init__(made.n_qubits, made.operations, made.observables)


class QmlHep1A(Circuit):
    """QMLHEP I (a), five qubits: H on all, a chain of CNOTs, SWAP(0, 4), RX(pi / 2) on one; <Z> on each wire.

    Parameters
    ----------
    rotated : the wire that RX acts on.
    """

    def __init__(self, rotated: int = 0) -> None:
        chain = [Operation("CNOT", (k, k + 1)) for k in range(4)]
        operations = [Operation("H", (k,)) for k in range(5)] + chain
        operations += [Operation("SWAP", (0, 4)), Operation("RX", (rotated,), (pi / 2,))]
        super().__init__(5, tuple(operations), z_on(range(5)))


class QmlHep1B(Circuit):
    """QMLHEP I (b): ancilla 0 compares |q1 q2> with |q3 q4>; <Z> of the ancilla is |<q1 q2|q3 q4>|^2."""

    def __init__(self) -> None:
        states = [Operation("H", (k,)) for k in (1, 3, 4)] + [Operation("RX", (2,), (pi / 3,))]
        super().__init__(5, (*states, *swap_test(0, (1, 2), (3, 4))), z_on([0]))
