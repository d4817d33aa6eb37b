"""The matrix entries of all parametrised gates of a stack, one call for each kind of gate."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.module_list import ModuleList
from hepexp.precision import ExactBuffers
from hepexp.quantum.circuit import Input, Parameter, Weight
from hepexp.quantum.gates import CHANNELS, GATES, PAULIS
from hepexp.quantum.light_cones import Stack
from hepexp.quantum.rotations import ENTRIES, Entries


class GateEntries(ExactBuffers):
    """Matrix entries by the index of the operation, for all one-wire gates and controlled rotations.

    Shapes
    ------
    angles (slots, G or 1, B), weights (n_weights,) float64 -> for each operation four tensors (G or 1, B or 1),
    complex; for an exchange such as CNOT an empty tuple.

    Parameters
    ----------
    draws : draw a Pauli in place of each channel, for each example; otherwise channels have no entries.
    """

    paulis: Tensor

    def __init__(self, stack: Stack, draws: bool = True):
        super().__init__()
        self.n_operations, self.draws = len(stack.operations), draws
        kinds: dict[tuple, list[int]] = {}
        self.constant: dict[str, list[int]] = {}
        self.n_pieces = len(stack.inputs)
        self.errors: dict[float, list[int]] = {}  # by the probability
        for i, operation in enumerate(stack.operations):
            if operation.name in CHANNELS:
                self.errors.setdefault(operation.probability, []).append(i)
            elif operation.parameters:
                types = tuple(p if isinstance(p, int | float) else type(p) for p in operation.parameters)
                kinds.setdefault((operation.name, types), []).append(i)
            elif operation.gate.n_wires == 1:
                self.constant.setdefault(operation.name, []).append(i)
        for name in self.constant:
            matrix = torch.from_numpy(GATES[name].constant).view(4, 1, 1)
            self.register_buffer(name, torch.view_as_real(matrix), persistent=False)
        if self.errors:
            paulis = np.stack([np.eye(2), *PAULIS.values()]).astype(complex).reshape(4, 4)
            self.register_buffer("paulis", torch.view_as_real(torch.from_numpy(paulis)), persistent=False)
        self.kinds = ModuleList(
            _Kind(name, members, [stack.operations[i].parameters for i in members], stack.weights)
            for (name, _), members in kinds.items()
        )

    def forward(self, angles: Tensor, weights: Tensor) -> list[Entries]:
        found: list[Entries] = [()] * self.n_operations
        for name, members in self.constant.items():
            entries = torch.view_as_complex(getattr(self, name)).unbind(0)
            for i in members:
                found[i] = entries
        for probability, members in self.errors.items() if self.draws else ():
            for i, entries in zip(members, self._drawn(probability, len(members), angles), strict=True):
                found[i] = entries
        for kind in self.kinds:
            for i, entries in zip(kind.members, kind(angles, weights), strict=True):
                found[i] = entries
        return found

    def _drawn(self, probability: float, n: int, angles: Tensor) -> list[Entries]:
        """Random Paulis in place of n channels: X, Y and Z with a third of the probability each."""
        uniform = torch.rand(n, self.n_pieces, angles.shape[-1], device=angles.device)
        pauli = (3 - (uniform * (3 / probability) if probability else uniform + 3).floor()).clamp(min=0).long()
        entries = torch.view_as_complex(self.paulis)[pauli]  # (n, G, B, 4)
        return [tuple(one.unbind(-1)) for one in entries.unbind(0)]


class _Kind(nn.Module):
    """All gates of one name whose angles are of the same kinds: inputs, weights, or one constant."""

    def __init__(
        self,
        name: str,
        members: list[int],
        parameters: list[tuple[Parameter, ...]],
        weights: tuple[tuple[int, ...], ...],
    ):
        super().__init__()
        self.entries, self.members = ENTRIES[name], members
        self.sources: list[type | float] = []
        for position, same in enumerate(zip(*parameters, strict=True)):
            if isinstance(same[0], Input):
                read = torch.tensor([parameter.index for parameter in same])
            elif isinstance(same[0], Weight):
                read = torch.tensor([[piece[parameter.index] for piece in weights] for parameter in same])
            else:
                read = None
            self.sources.append(float(same[0]) if read is None else type(same[0]))
            self.register_buffer(f"read_{position}", read, persistent=False)

    def forward(self, angles: Tensor, weights: Tensor) -> list[Entries]:
        found = [self._angle(position, angles, weights) for position in range(len(self.sources))]
        entries = self.entries(*torch.broadcast_tensors(*found))
        return list(zip(*(entry.unbind(0) for entry in entries), strict=True))

    def _angle(self, position: int, angles: Tensor, weights: Tensor) -> Tensor:
        """(gates, G or 1, B or 1)."""
        source, read = self.sources[position], getattr(self, f"read_{position}")
        if isinstance(source, float):
            return weights.new_full((len(self.members), 1, 1), source)
        return angles.index_select(0, read) if source is Input else weights[read][..., None]
