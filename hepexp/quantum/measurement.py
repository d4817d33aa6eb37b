"""What is measured of a state, and of a whole space of states together."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hepexp.module_list import ModuleList
from hepexp.precision import ExactBuffers
from hepexp.quantum.circuit import Observable, Pauli, Probabilities, Projector, State
from hepexp.quantum.gates import PAULIS
from hepexp.quantum.monomial import Action, Monomial, action


class Measurement(ExactBuffers):
    """The outputs of a list of observables.

    Diagonal ones (products of Z, projectors) are one matrix product with the probabilities of basis states.

    Parameters
    ----------
    readout : probability to read a bit as the other one. A product of k Paulis, each measured as Z after a rotation,
        is smaller by (1 - 2 readout)^k.
    """

    values: Tensor | None  # on the diagonals
    order: Tensor | None

    def __init__(self, n_qubits: int, observables: tuple[Observable, ...], readout: float = 0.0):
        super().__init__()
        self.n_qubits, self.readout = n_qubits, readout
        self.n_outputs = sum(observable.n_outputs for observable in observables)
        self.has_state = isinstance(observables[0], State)
        single = [one for one in observables if isinstance(one, Pauli | Projector)]
        actions = [_action(n_qubits, one, readout) for one in single]
        self.operators = ModuleList(Monomial(made) for made in actions)
        self.others = [i for i, operator in enumerate(self.operators) if not operator.diagonal]
        diagonals = [torch.from_numpy(phase.real) for i, (_, phase) in enumerate(actions) if i not in self.others]
        self.register_buffer("values", torch.stack(diagonals) if diagonals else None, persistent=False)
        self.spread = [one.wires for one in observables if isinstance(one, Probabilities)]
        # outputs as they are computed: diagonal ones, others, probabilities
        first = np.cumsum([0, *(one.n_outputs for one in observables)])
        kinds: list[list[int]] = [[], [], []]
        for one, start in zip(observables, first, strict=False):
            kind = 2 if not isinstance(one, Pauli | Projector) else int(single.index(one) in self.others)
            kinds[kind] += range(start, start + one.n_outputs)
        order = np.argsort(np.array(kinds[0] + kinds[1] + kinds[2]))
        in_order = (order == np.arange(self.n_outputs)).all()
        self.register_buffer("order", None if in_order else torch.from_numpy(order), persistent=False)

    def forward(self, states: Tensor) -> Tensor:
        """States (G, 2, 2^n, B), real parts and imaginary parts -> (G, n_outputs, B)."""
        if self.has_state:
            return states.flatten(1, 2)
        found = []
        if self.values is not None:
            parts = states.flatten(1, 2)
            found.append(self.values.to(states.dtype).tile(2) @ (parts * parts))
        if self.others:
            psi = torch.complex(states[:, 0], states[:, 1])
            found += [(psi.conj() * self.operators[i](psi)).real.sum(1, keepdim=True) for i in self.others]
        if self.spread:
            found += self._marginals(states.square().sum(1))
        return self._in_order(found)

    def of_density(self, rho: Tensor) -> Tensor:
        """Density matrices (G, 2^n, 2^n, B) -> (G, n_outputs, B)."""
        probabilities = rho.diagonal(dim1=1, dim2=2).movedim(-1, 1).real
        found = []
        if self.values is not None:
            found.append(self.values.to(probabilities.dtype) @ probabilities)
        for i in self.others:  # Tr(O rho) is the sum of the diagonal of O rho, whose columns are states
            turned = self.operators[i](rho.flatten(2)).view_as(rho)
            found.append(turned.diagonal(dim1=1, dim2=2).sum(-1, keepdim=True).movedim(-1, 1).real)
        return self._in_order(found + self._marginals(probabilities))

    def quadratic_forms(self, states: Tensor) -> Tensor:
        """Re <a| O_j |b> between all states of a list, for observables with one output each.

        Shapes
        ------
        states (G, 2^n, K), column a is |a> -> (G, n_outputs, K, K), symmetric.
        """
        return torch.stack([(states.mH @ operator(states)).real for operator in self.operators], dim=1)

    def _marginals(self, probabilities: Tensor) -> list[Tensor]:
        """Probabilities (G, 2^n, B) -> of the wires of each observable that asks for them, (G, 2^k, B)."""
        made = []
        for wires in self.spread:
            by_wire = probabilities.unflatten(1, (2,) * self.n_qubits)
            if rest := [1 + wire for wire in range(self.n_qubits) if wire not in wires]:
                by_wire = by_wire.sum(rest)
            for axis in range(1, 1 + len(wires)) if self.readout else ():
                by_wire = (1 - self.readout) * by_wire + self.readout * by_wire.flip(axis)
            places = [1 + sorted(wires).index(wire) for wire in wires]
            made.append(by_wire.permute(0, *places, -1).flatten(1, -2))
        return made

    def _in_order(self, found: list[Tensor]) -> Tensor:
        together = torch.cat(found, dim=1) if len(found) > 1 else found[0]
        return together if self.order is None else together.index_select(1, self.order)


def _action(n_qubits: int, observable: Pauli | Projector, readout: float) -> Action:
    """An observable's action on states."""
    if isinstance(observable, Pauli):
        factors = [(PAULIS[letter], (w,)) for letter, w in zip(observable.letters, observable.wires, strict=True)]
        order, phase = action(n_qubits, factors)
        return order, phase * (1 - 2 * readout) ** len(factors)
    state = np.arange(2**n_qubits)
    read = np.ones(2**n_qubits, complex)
    for bit, wire in zip(observable.bits, observable.wires, strict=True):
        read *= np.where((state >> (n_qubits - 1 - wire)) & 1 == bit, 1 - readout, readout)
    return state, read
