"""The nineteen circuits of Sim, Johnson and Aspuru-Guzik, whose expressibility and entanglement they compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from hepexp.errors import ConfigError
from hepexp.quantum.circuit import Circuit, Operation, Weight, z_on
from hepexp.quantum.templates import wires_of

NUMBER_OF_CIRCUITS = 19
Pairs = Iterable[tuple[int, int]]  # control, target


class SimCircuit(Circuit):
    """Circuit 1 to 19 of the figure of circuit templates, all angles trained, for any number of qubits.

    Circuit 10 has its first layer of RY once, before all layers.

    Parameters
    ----------
    number : 1 has no entanglement; 2 to 4 a chain of CNOT, CRZ, CRX; 5, 6 all pairs of CRZ, CRX; 7, 8, 16, 17 bricks of
        CRZ, CRX; 9, 10 CZ; 11, 12 bricks of CNOT, CZ; 13 to 15 two rings of CRZ, CRX, CNOT; 18, 19 a ring of CRZ, CRX.
    n_qubits : number of wires; 4 in the paper.
    n_layers : repetitions of the whole.

    Raises
    ------
    ConfigError : no such number, or a size that is not positive or too large.

    References
    ----------
    arXiv:1905.10876, figure 2.
    """

    def __init__(self, number: int = 1, n_qubits: int = 4, n_layers: int = 1) -> None:
        if not 1 <= number <= NUMBER_OF_CIRCUITS:
            raise ConfigError(f"a circuit's number must be from 1 to {NUMBER_OF_CIRCUITS}, got {number}")
        for key, value, least in (("n_qubits", n_qubits, 2), ("n_layers", n_layers, 1)):
            if value < least:
                raise ConfigError(f"a circuit's {key} must be >= {least}, got {value}")
        wires = wires_of(n_qubits, n_layers, all_pairs=number in (5, 6))
        made = _Layers(wires)
        first = made.on(wires, "RY") if number == 10 else ()
        layers = [tuple(made.layer(number)) for _ in range(n_layers)]
        super().__init__(n_qubits, (*first, *(op for layer in layers for op in layer)), z_on(wires))


class _Layers:
    """Makes layers, each gate with a weight of its own, counted through."""

    def __init__(self, wires: range):
        self.wires, self.weights = wires, count()

    def on(self, wires: Iterable[int], *names: str) -> tuple[Operation, ...]:
        """Each gate on all wires, one after the other."""
        return tuple(Operation(name, (wire,), (Weight(next(self.weights)),)) for name in names for wire in wires)

    def between(self, name: str, pairs: Pairs) -> tuple[Operation, ...]:
        turns = name.startswith("CR")
        return tuple(Operation(name, pair, (Weight(next(self.weights)),) if turns else ()) for pair in pairs)

    def layer(self, number: int) -> Iterator[Operation]:
        n, wires = len(self.wires), self.wires
        chain = [(k, k - 1) for k in reversed(wires[1:])]
        even, odd = ([(k + 1, k) for k in range(first, n - 1, 2)] for first in (0, 1))
        everyone = [(a, b) for a in reversed(wires) for b in reversed(wires) if a != b]
        ring = [(k, (k + 1) % n) for k in reversed(wires)]
        other_ring = [(k % n, (k - 1) % n) for k in range(n - 1, 2 * n - 1)]
        turn = {
            k: ("CRZ", "CRX")[i]
            for pair in ((3, 4), (5, 6), (7, 8), (13, 14), (16, 17), (18, 19))
            for i, k in enumerate(pair)
        }
        name = turn.get(number, {2: "CNOT", 9: "CZ", 10: "CZ", 11: "CNOT", 12: "CZ", 15: "CNOT"}.get(number, ""))
        match number:
            case 1:
                yield from self.on(wires, "RX", "RZ")
            case 2 | 3 | 4:
                yield from self.on(wires, "RX", "RZ")
                yield from self.between(name, chain)
            case 5 | 6:
                yield from self.on(wires, "RX", "RZ")
                yield from self.between(name, everyone)
                yield from self.on(wires, "RX", "RZ")
            case 7 | 8:
                yield from self.on(wires, "RX", "RZ")
                yield from self.between(name, even)
                yield from self.on(wires, "RX", "RZ")
                yield from self.between(name, odd)
            case 9:
                yield from (Operation("H", (wire,)) for wire in wires)
                yield from self.between(name, chain)
                yield from self.on(wires, "RX")
            case 10:
                yield from self.between(name, chain + ([(0, n - 1)] if n > 2 else []))
                yield from self.on(wires, "RY")
            case 11 | 12:
                yield from self.on(wires, "RY", "RZ")
                yield from self.between(name, even)
                yield from self.on(wires[1:-1], "RY", "RZ")
                yield from self.between(name, odd)
            case 13 | 14 | 15:
                yield from self.on(wires, "RY")
                yield from self.between(name, ring)
                yield from self.on(wires, "RY")
                yield from self.between(name, other_ring)
            case 16 | 17:
                yield from self.on(wires, "RX", "RZ")
                yield from self.between(name, even + odd)
            case _:
                yield from self.on(wires, "RX", "RZ")
                yield from self.between(name, ring)
