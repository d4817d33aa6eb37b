"""Expectation values of a state, and of a whole space of states together."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.precision import ExactBuffers
from hepexp.quantum.circuit import Observable, Pauli
from hepexp.quantum.gates import PAULIS
from hepexp.quantum.monomial import Monomial, action


class Measurement(ExactBuffers):
    """Expectation values of a list of observables.

    Diagonal ones (products of Z, projectors) are one matrix product with the probabilities.
    """

    def __init__(self, n_qubits: int, observables: tuple[Observable, ...]):
        super().__init__()
        operators = [_operator(n_qubits, observable) for observable in observables]
        self.n_observables = len(observables)
        self.diagonal = [i for i, operator in enumerate(operators) if operator.diagonal]
        self.others = [i for i, operator in enumerate(operators) if not operator.diagonal]
        self.operators = nn.ModuleList(operators)
        diagonals = [operators[i].phase[:, 0, 0] for i in self.diagonal]  # rotate each: none is the identity
        self.register_buffer("values", torch.stack(diagonals) if diagonals else None, persistent=False)
        order = np.argsort(self.diagonal + self.others)
        in_order = (order == np.arange(self.n_observables)).all()
        self.register_buffer("order", None if in_order else torch.from_numpy(order), persistent=False)

    def forward(self, states: Tensor) -> Tensor:
        """States (G, 2, 2^n, B), real parts and imaginary parts -> (G, n_observables, B)."""
        found = []
        if self.diagonal:
            parts = states.flatten(1, 2)
            found.append(self.values.to(states.dtype).tile(2) @ (parts * parts))
        if self.others:
            psi = torch.complex(states[:, 0], states[:, 1])
            found += [(psi.conj() * self.operators[i](psi)).real.sum(1, keepdim=True) for i in self.others]
        together = torch.cat(found, dim=1)
        return together if self.order is None else together.index_select(1, self.order)

    def quadratic_forms(self, states: Tensor) -> Tensor:
        """Re <a| O_j |b> between all states of a list.

        Shapes
        ------
        states (G, 2^n, K), column a is |a> -> (G, n_observables, K, K), symmetric.
        """
        return torch.stack([(states.mH @ operator(states)).real for operator in self.operators], dim=1)


def _operator(n_qubits: int, observable: Observable) -> Monomial:
    """An observable's action on states."""
    if isinstance(observable, Pauli):
        factors = [(PAULIS[letter], (w,)) for letter, w in zip(observable.letters, observable.wires, strict=True)]
        return Monomial(action(n_qubits, factors))
    state = np.arange(2**n_qubits)
    inside = np.ones(2**n_qubits, bool)
    for bit, wire in zip(observable.bits, observable.wires, strict=True):
        inside &= (state >> (n_qubits - 1 - wire)) & 1 == bit
    return Monomial((state, inside.astype(complex)))
