"""Steps of an evolution: what one wire, a control with its target, or a block of neighbouring wires does to states."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.quantum.rotations import Entries

# Consecutive gates that only permute or change the sign of amplitudes: their matrices, and their wires.
Exchange = tuple[tuple[np.ndarray, tuple[int, ...]], ...]
LARGEST_BLOCK = 4  # wires; one more doubles the number of multiplications


class Run(nn.Module):
    """Consecutive gates on one wire as one matrix; or one controlled gate.

    Shapes
    ------
    state (G or 1, 2^n, B) complex, and the entries of all gates, each (G or 1, B or 1) -> (G or 1, 2^n, B).
    """

    def __init__(self, run: list[int], n_qubits: int, wires: tuple[int, ...]):
        super().__init__()
        self.run, self.n_qubits = run, n_qubits
        *controls, self.target = wires
        self.control = controls[0] if controls else None

    def forward(self, state: Tensor, entries: list[Entries]) -> Tensor:
        u = tuple(cast(entry, state.real.dtype) for entry in product_of(entries, self.run))
        if self.control is None:
            return self._turn(state, u, self.target, self.n_qubits)
        # Where the control is 1, what remains is a state of one qubit fewer.
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


class Block(nn.Module):
    """Runs on neighbouring wires, the same for all examples, as one matrix (2^k, 2^k).

    Shapes
    ------
    As Run.
    """

    def __init__(self, runs: list[Run], n_qubits: int):
        super().__init__()
        self.runs = [run.run for run in runs]
        before, after = runs[0].target, n_qubits - 1 - runs[-1].target
        self.shape = (2**before, 2 ** len(runs), 2**after)

    def forward(self, state: Tensor, entries: list[Entries]) -> Tensor:
        matrix = self._matrix(entries, 0)
        for k in range(1, len(self.runs)):  # the tensor product
            matrix = matrix[:, :, None, :, None] * self._matrix(entries, k)[:, None, :, None]
            matrix = matrix.flatten(3, 4).flatten(1, 2)
        parts = state.unflatten(1, self.shape).flatten(3)
        moved = cast(matrix, state.real.dtype)[:, None] @ parts
        return moved.unflatten(3, (self.shape[2], state.shape[2])).flatten(1, 3)

    def _matrix(self, entries: list[Entries], k: int) -> Tensor:
        """(G or 1, 2, 2)."""
        return torch.cat(torch.broadcast_tensors(*product_of(entries, self.runs[k])), dim=1).unflatten(1, (2, 2))


class Mix(nn.Module):
    """A depolarising channel of a qubit, on density matrices as states of twice as many wires.

    X, Y and Z with probability p / 3 each leave 1 - 4 p / 3 of the off-diagonal parts, and of the difference of the
    diagonal ones.

    Parameters
    ----------
    probability : p.
    wires : the qubit's wire of the rows, then of the columns.

    Shapes
    ------
    (G, 2^n, B) -> (G, 2^n, B).
    """

    def __init__(self, probability: float, n_qubits: int, wires: tuple[int, ...]):
        super().__init__()
        row, column = wires
        self.kept = 1 - 4 * probability / 3
        self.shape = (2**row, 2, 2 ** (column - row - 1), 2, 2 ** (n_qubits - 1 - column))

    def forward(self, state: Tensor) -> Tensor:
        upper, lower = state.unflatten(1, self.shape).unbind(2)
        (a, b), (c, d) = upper.unbind(3), lower.unbind(3)
        mixed = (1 - self.kept) / 2 * (a + d)
        upper = torch.stack([self.kept * a + mixed, self.kept * b], dim=3)
        lower = torch.stack([self.kept * c, self.kept * d + mixed], dim=3)
        return torch.stack([upper, lower], dim=2).flatten(1, 5)


def side_by_side(
    steps: Iterable[Run | Mix | Exchange], n_qubits: int, reading: set[int]
) -> list[Run | Block | Mix | Exchange]:
    """Steps in which runs next to each other, in time and in space, are blocks.

    Parameters
    ----------
    reading : gates that read an input: they differ from example to example and are not combined.
    """
    made: list[Run | Block | Mix | Exchange] = []
    waiting: dict[int, Run] = {}  # by wire; all of them commute

    def close() -> None:
        wires = sorted(waiting)
        while wires:
            n = 1
            while n < min(LARGEST_BLOCK, len(wires)) and wires[n] == wires[0] + n:
                n += 1
            runs, wires = [waiting[wire] for wire in wires[:n]], wires[n:]
            made.append(Block(runs, n_qubits) if n > 1 else runs[0])
        waiting.clear()

    for step in steps:
        if not isinstance(step, Run) or step.control is not None or reading & set(step.run):
            close()
            made.append(step)
            continue
        if step.target in waiting:
            close()
        waiting[step.target] = step
    close()
    return made


def cast(x: Tensor, dtype: torch.dtype) -> Tensor:
    """A complex tensor in the complex type of a real one."""
    return torch.view_as_complex(torch.view_as_real(x.resolve_conj()).to(dtype))


def product_of(entries: list[Entries], run: list[int]) -> Entries:
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
