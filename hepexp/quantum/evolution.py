"""The state after a stack of circuits, gate by gate: any circuit, any batch, differentiable.

The batch is the last dimension, so that every operation runs over contiguous numbers. Neighbouring gates of one wire
are multiplied, in double precision, before they are applied; neighbouring gates that only exchange or sign amplitudes
are one exchange.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.quantum.angles import GateEntries
from hepexp.quantum.circuit import Operation
from hepexp.quantum.exact import ExactBuffers
from hepexp.quantum.gates import Entries
from hepexp.quantum.light_cones import Stack
from hepexp.quantum.monomial import Monomial, action


class Evolution(ExactBuffers):
    """U(inputs, weights) |0...0> of every piece of a stack.

    Shapes
    ------
    angles (slots, G or 1, B) real, weights (n_weights,) float64 -> (G or 1, 2^n, B), complex of the angles' precision.
    """

    def __init__(self, stack: Stack):
        super().__init__()
        self.n_qubits = stack.n_qubits
        self.entries = GateEntries(stack)
        self.register_buffer(
            "zero", torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64).view(1, 2, 1, 2), persistent=False
        )
        self.first: list[list[int]] = []
        self.steps = nn.ModuleList()
        self._plan(stack.operations)

    def _plan(self, operations: tuple[Operation, ...]) -> None:
        """Order the gates into steps; `pending` gates of a wire wait until another gate needs the wire."""
        first: dict[int, list[int]] = {}
        pending: list[list[int]] = [[] for _ in range(self.n_qubits)]
        exchanges: list[Operation] = []

        def close_exchanges() -> None:
            if exchanges:
                factors = [(op.gate.constant, op.wires) for op in exchanges]
                self.steps.append(Monomial(action(self.n_qubits, factors)))
                exchanges.clear()

        def apply_pending(wire: int) -> None:
            run, pending[wire] = pending[wire], []
            if wire not in first:
                first[wire] = run
            elif run:
                if any(wire in op.wires for op in exchanges):
                    close_exchanges()
                # Else it commutes with the exchanges that are still open, and goes before them.
                self.steps.append(_Run(run, self.n_qubits, (wire,)))

        for i, operation in enumerate(operations):
            if operation.gate.n_wires == 1:
                pending[operation.wires[0]].append(i)
                continue
            for wire in operation.wires:
                apply_pending(wire)
            if operation.gate.constant is not None:
                exchanges.append(operation)
            else:
                close_exchanges()
                self.steps.append(_Run([i], self.n_qubits, operation.wires))
        for wire in range(self.n_qubits):
            apply_pending(wire)
        close_exchanges()
        self.first = [first[wire] for wire in range(self.n_qubits)]

    def forward(self, angles: Tensor, weights: Tensor) -> Tensor:
        entries = self.entries(angles, weights)
        state = self._product_state(entries, angles)
        for step in self.steps:
            state = step(state) if isinstance(step, Monomial) else step(state, entries)
        return state

    def _product_state(self, entries: list[Entries], angles: Tensor) -> Tensor:
        """The gates before the first one of two wires: each wire has a state (2,) of its own."""
        zero = torch.view_as_complex(self.zero)
        state = None
        for run in self.first:
            wire = zero
            if run:
                u00, _, u10, _ = _product(entries, run)
                wire = torch.stack([u00, u10], dim=1)
            wire = _cast(wire, angles.dtype)
            state = wire if state is None else (state[:, :, None] * wire[:, None]).flatten(1, 2)
        return state.expand(-1, -1, angles.shape[-1])


class _Run(nn.Module):
    """Gates of one wire, one after the other, as one matrix; or one controlled gate."""

    def __init__(self, run: list[int], n_qubits: int, wires: tuple[int, ...]):
        super().__init__()
        self.run, self.n_qubits = run, n_qubits
        self.control, self.target = (None, *wires) if len(wires) == 1 else wires

    def forward(self, state: Tensor, entries: list[Entries]) -> Tensor:
        u = tuple(_cast(entry, state.real.dtype) for entry in _product(entries, self.run))
        if self.control is None:
            return self._turn(state, u, self.target, self.n_qubits)
        # Where the control is 1, what is left is a state of one qubit less.
        parts = state.unflatten(1, (2**self.control, 2, -1))
        off, on = parts.unbind(2)
        target = self.target - (self.target > self.control)
        on = self._turn(on.flatten(1, 2), u, target, self.n_qubits - 1).unflatten(1, on.shape[1:3])
        return torch.stack([off.expand_as(on), on], dim=2).flatten(1, 3)

    @staticmethod
    def _turn(state: Tensor, u: Entries, wire: int, n_qubits: int) -> Tensor:
        zero, one = state.unflatten(1, (2**wire, 2, 2 ** (n_qubits - 1 - wire))).unbind(2)
        u00, u01, u10, u11 = (entry[:, None, None] for entry in u)
        return torch.stack([u00 * zero + u01 * one, u10 * zero + u11 * one], dim=2).flatten(1, 3)


def _cast(x: Tensor, dtype: torch.dtype) -> Tensor:
    """A complex tensor in the complex type of a real one."""
    return torch.view_as_complex(torch.view_as_real(x.resolve_conj()).to(dtype))


def _product(entries: list[Entries], run: list[int]) -> Entries:
    """The matrix of gates that act one after the other; each entry (G or 1, B or 1)."""
    a = entries[run[0]]
    for i in run[1:]:
        b = entries[i]
        a = (
            b[0] * a[0] + b[1] * a[2],
            b[0] * a[1] + b[1] * a[3],
            b[2] * a[0] + b[3] * a[2],
            b[2] * a[1] + b[3] * a[3],
        )
    return a
