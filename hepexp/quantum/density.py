"""The density matrix after a stack of circuits with errors, exactly: any circuit of few qubits.

The matrix rho (2^n, 2^n) is kept as a vector of 2 n wires, those of its rows and then those of its columns. A gate U is
then U on the rows and its complex conjugate on the columns, and the same steps as for states apply it.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from hepexp.quantum.circuit import Operation
from hepexp.quantum.evolution import Evolution, normalised
from hepexp.quantum.gates import CHANNELS
from hepexp.quantum.light_cones import Stack
from hepexp.quantum.noise import gathered
from hepexp.quantum.rotations import Entries


class DensityEvolution(Evolution):
    """U rho U^+ of every piece of a stack, with its depolarising channels.

    Shapes
    ------
    angles (slots, G or 1, B) real, weights (n_weights,) float64 -> (G or 1, 4^n, B) complex: rows, then columns.

    References
    ----------
    Nielsen and Chuang, Quantum Computation and Quantum Information, section 8.3.4.
    """

    def __init__(self, stack: Stack):
        stack = replace(stack, operations=gathered(stack.operations))
        n = stack.n_qubits
        doubled: list[Operation] = []
        self.sources: list[tuple[int, bool]] = []  # of each gate's entries: an operation of the stack, conjugate or not
        for i, operation in enumerate(stack.operations):
            wires = tuple(n + wire for wire in operation.wires)
            if operation.name in CHANNELS:
                doubled.append(replace(operation, wires=operation.wires + wires))
                self.sources.append((i, False))
            else:
                doubled += [operation, replace(operation, wires=wires)]
                self.sources += [(i, False), (i, True)]
        super().__init__(replace(stack, n_qubits=2 * n, operations=tuple(doubled)), of_entries=stack)

    def _entries(self, angles: Tensor, weights: Tensor) -> list[Entries]:
        found = self.entries(angles, weights)
        return [tuple(x.conj() for x in found[i]) if conjugate else found[i] for i, conjugate in self.sources]

    def _given_state(self, given: Tensor) -> Tensor:
        psi = normalised(given, 2 ** (self.n_qubits // 2))
        return (psi[:, :, None] * psi[:, None].conj()).flatten(1, 2)
