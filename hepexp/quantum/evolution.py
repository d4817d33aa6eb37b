"""The state after a stack of circuits, gate by gate: any circuit, any batch, differentiable.

The batch is the last dimension, so that every operation runs over contiguous numbers. Consecutive gates on one wire are
multiplied, in double precision, before they are applied; consecutive gates that only permute or change the sign of
amplitudes are one permutation. Gates on neighbouring wires that all examples share are applied together, as one matrix
product.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.precision import ExactBuffers
from hepexp.quantum.angles import GateEntries
from hepexp.quantum.circuit import Input
from hepexp.quantum.gates import CHANNELS
from hepexp.quantum.light_cones import Stack
from hepexp.quantum.monomial import Monomial, action
from hepexp.quantum.rotations import Entries
from hepexp.quantum.steps import Block, Exchange, Mix, Run, cast, product_of, side_by_side


def plan(stack: Stack) -> tuple[list[list[int]], list[Run | Block | Mix | Exchange]]:
    """The gates in the order in which they are applied.

    Returns
    -------
    first : the gates of each wire before its first two-wire gate; none where the inputs are the state before them.
    steps : what is done to the state after them.
    """
    first: dict[int, list[int]] = {wire: [] for wire in range(stack.n_qubits)} if stack.amplitudes else {}
    steps: list[Run | Mix | Exchange] = []
    pending: list[list[int]] = [[] for _ in range(stack.n_qubits)]  # gates that wait until another needs their wire
    exchanges: list[tuple[np.ndarray, tuple[int, ...]]] = []

    def close_exchanges() -> None:
        if exchanges:
            steps.append(tuple(exchanges))
            exchanges.clear()

    def apply_pending(wire: int) -> None:
        run, pending[wire] = pending[wire], []
        if wire not in first:
            first[wire] = run
        elif run:
            if any(wire in wires for _, wires in exchanges):
                close_exchanges()
            # Otherwise it commutes with the permutations that are still open, and goes before them.
            steps.append(Run(run, stack.n_qubits, (wire,)))

    for i, operation in enumerate(stack.operations):
        if len(operation.wires) == 1:
            pending[operation.wires[0]].append(i)
            continue
        for wire in operation.wires:
            apply_pending(wire)
        if operation.name in CHANNELS:
            if set(operation.wires) & {wire for _, wires in exchanges for wire in wires}:
                close_exchanges()
            steps.append(Mix(operation.probability, stack.n_qubits, operation.wires))
        elif (matrix := operation.gate.constant) is not None:
            exchanges.append((matrix, operation.wires))
        else:
            close_exchanges()
            steps.append(Run([i], stack.n_qubits, operation.wires))
    for wire in range(stack.n_qubits):
        apply_pending(wire)
    close_exchanges()
    reading = {
        i
        for i, op in enumerate(stack.operations)
        if op.name in CHANNELS or any(isinstance(p, Input) for p in op.parameters)
    }
    return [first[wire] for wire in range(stack.n_qubits)], side_by_side(steps, stack.n_qubits, reading)


class Evolution(ExactBuffers):
    """U(inputs, weights) |0...0> of every piece of a stack, or U |x> / |x| of one whose inputs are amplitudes.

    Shapes
    ------
    angles (slots, G or 1, B) real, with the amplitudes before the slots, weights (n_weights,) float64
    -> (G or 1, 2^n, B), complex of the angles' precision.
    """

    zero: Tensor

    def __init__(self, stack: Stack, of_entries: Stack | None = None):
        super().__init__()
        self.n_qubits, self.amplitudes = stack.n_qubits, stack.amplitudes
        self.entries = GateEntries(of_entries or stack, draws=of_entries is None)
        self.register_buffer(
            "zero", torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64).view(1, 2, 1, 2), persistent=False
        )
        self.first, steps = plan(stack)
        self.steps = nn.ModuleList(
            Monomial(action(self.n_qubits, step)) if isinstance(step, tuple) else step for step in steps
        )

    def forward(self, angles: Tensor, weights: Tensor) -> Tensor:
        given, angles = angles[: self.amplitudes], angles[self.amplitudes :]
        entries = self._entries(angles, weights)
        state = self._given_state(given) if self.amplitudes else self._product_state(entries, angles)
        for step in self.steps:
            state = step(state) if isinstance(step, Monomial | Mix) else step(state, entries)
        return state

    def _entries(self, angles: Tensor, weights: Tensor) -> list[Entries]:
        return self.entries(angles, weights)

    def _given_state(self, given: Tensor) -> Tensor:
        return normalised(given, 2**self.n_qubits)

    def _product_state(self, entries: list[Entries], angles: Tensor) -> Tensor:
        """The gates before the first two-wire gate: each wire has its own state (2,)."""
        zero = torch.view_as_complex(self.zero)
        wires = []
        for run in self.first:
            wire = zero
            if run:
                u00, _, u10, _ = product_of(entries, run)
                wire = torch.stack([u00, u10], dim=1)
            wires.append(cast(wire, angles.dtype))
        state = wires[0]
        for wire in wires[1:]:
            state = (state[:, :, None] * wire[:, None]).flatten(1, 2)
        return state.expand(-1, -1, angles.shape[-1])


def normalised(x: Tensor, size: int) -> Tensor:
    """Amplitudes x / |x|, and 0 after them.

    An example without a direction is refused on a CPU. On other devices, which are not waited for, and in compiled
    graphs its state is NaN, which the run refuses.

    Shapes
    ------
    x (k, G, B) real -> (G, size, B) complex.

    Raises
    ------
    ConfigError : the inputs of an example are all 0.
    """
    norm = torch.linalg.vector_norm(x, dim=0, keepdim=True)
    if x.device.type == "cpu" and not torch.compiler.is_compiling() and not norm.all():
        raise ConfigError(
            f"an example's {len(x)} inputs are all 0, and have no state x / |x|: leave such examples out, or choose "
            "another encoding than amplitudes"
        )
    padded = F.pad((x / norm).movedim(0, 1), (0, 0, 0, size - len(x)))
    return torch.complex(padded, torch.zeros_like(padded))
