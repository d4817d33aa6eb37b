"""Matrices with one entry in each row and column, such as CNOT, SWAP, CZ and products of Paulis, on many qubits.

They act on a state by permuting amplitudes and multiplying them by phases: (M psi)_i = phase_i psi_order(i).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from hepexp.exporting import applied
from hepexp.precision import ExactBuffers

Action = tuple[np.ndarray, np.ndarray]  # order, phase


def action(n_qubits: int, factors: Iterable[tuple[np.ndarray, tuple[int, ...]]]) -> Action:
    """Order and phase (2^n,) of small monomial matrices (2^k, 2^k) on their wires, the first applied first."""
    order, phase = np.arange(2**n_qubits), np.ones(2**n_qubits, complex)
    for matrix, wires in factors:
        shifts = n_qubits - 1 - np.array(wires)
        weights = 1 << np.arange(len(wires))[::-1]
        i = np.arange(2**n_qubits)
        row = ((i[:, None] >> shifts) & 1) @ weights
        column = np.abs(matrix).argmax(axis=1)[row]
        bits = (column[:, None] // weights) & 1
        j = (i & ~(1 << shifts).sum()) | (bits << shifts).sum(axis=1)
        order, phase = order[j], matrix[row, column] * phase[j]
    return order, phase


class _Reorder(Function):
    """x[:, order], whose gradient is a reordering too instead of a sum into zeros."""

    @staticmethod
    def forward(ctx, x: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(order, inverse)
        return x.index_select(1, order)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        order, inverse = ctx.saved_tensors
        return applied(_Reorder, gradient, inverse, order), None, None


class Monomial(ExactBuffers):
    """The action on states.

    Shapes
    ------
    psi (G, 2^n, B) -> (G, 2^n, B), complex.
    """

    # only what is used: for many qubits each of these is as large as a state
    order: Tensor | None
    inverse: Tensor | None
    phase: Tensor | None

    def __init__(self, made: Action):
        super().__init__()
        order, phase = made
        moves, turns = bool((np.diff(order) != 1).any()), bool((phase != 1).any())
        numbers = {"order": order, "inverse": np.argsort(order)} if moves else {}
        for name in ("order", "inverse"):
            self.register_buffer(name, torch.from_numpy(numbers[name]) if numbers else None, persistent=False)
        turned = torch.view_as_real(torch.from_numpy(phase)[:, None]) if turns else None
        self.register_buffer("phase", turned, persistent=False)

    @property
    def diagonal(self) -> bool:
        return self.order is None

    def forward(self, psi: Tensor) -> Tensor:
        if self.order is not None:
            psi = applied(_Reorder, psi, self.order, self.inverse)
        return psi if self.phase is None else psi * torch.view_as_complex(self.phase.to(psi.real.dtype))
