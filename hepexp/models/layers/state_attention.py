"""Attention between circuit states: tokens attend to each other by the fidelity of their queries and keys."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.quantum.backend import Backend
from hepexp.quantum.fidelity import bloch_vectors, fidelities, sums_of_local_fidelities
from hepexp.quantum.layer import amplitudes, bounded_angles
from hepexp.quantum.templates import state_circuit


class StateAttention(nn.Module):
    """softmax(F(q, k) / tau) v in each head, where F is a fidelity of the states of query and key.

    A linear layer gives each head n angles for the query of a token and n for its key; tanh keeps them in (-pi / 2,
    pi / 2), and one circuit, the same for queries and keys and for all heads, makes a state of each. `register` has
    F = |<q|k>|^2, the <Z> of a swap test's ancilla; `pairwise` has the mean of the swap tests of single qubits,
    (1/n) sum_k Tr(rho_k sigma_k). Both are one matrix product of all queries and keys. The temperature tau of each head
    is trained, from 0.1.

    A backend without circuits puts a network of about as many weights in place of the circuit, n -> n numbers, and F is
    the square of their cosine.

    Parameters
    ----------
    dim : width of a token.
    n_heads : heads, which share the width of the values equally.
    n_qubits : n, for each head.
    depth : blocks of CNOTs and trained rotations, each followed by another encoding of the angles.
    swap_test : `register` or `pairwise`.
    backend : evaluates the circuit.

    Raises
    ------
    ConfigError : a backend that evaluates circuits but has no state vectors, or the machine lacks the memory.

    Shapes
    ------
    tokens (B, T, dim) -> (B, T, dim).

    References
    ----------
    Buhrman et al., arXiv:quant-ph/0102001 (swap test).
    """

    def __init__(
        self,
        dim: int,
        n_heads: int,
        n_qubits: int,
        depth: int,
        swap_test: Literal["register", "pairwise"],
        backend: Backend,
    ) -> None:
        super().__init__()
        self.n_heads, self.n_qubits, self.is_local = n_heads, n_qubits, swap_test == "pairwise"
        self.is_quantum = backend.is_quantum
        self.angles, self.value = nn.Linear(dim, 2 * n_heads * n_qubits), nn.Linear(dim, dim)
        self.log_temperature = nn.Parameter(torch.full((n_heads, 1, 1), 0.1).log())
        circuit = state_circuit(n_qubits, depth)
        if backend.is_quantum:
            circuit = circuit.giving_state
        try:
            self.states = backend.layer(circuit, scale=0.1, name="attention")
        except ConfigError as error:
            raise ConfigError(
                f"attention compares circuit states; model.attention=softmax does not: {error}"
            ) from error

    def forward(self, x: Tensor) -> Tensor:
        angles = bounded_angles(self.angles(x))
        heads = angles.unflatten(2, (2, self.n_heads, self.n_qubits)).permute(2, 0, 3, 1, 4)  # (2, B, heads, T, n)
        weights = (self._fidelity(heads) / self.log_temperature.exp()).softmax(-1).to(x.dtype)
        value = self.value(x).unflatten(2, (self.n_heads, -1)).transpose(1, 2)  # (B, heads, T, width)
        return (weights @ value).transpose(1, 2).flatten(2)

    def _fidelity(self, heads: Tensor) -> Tensor:
        """F (B, heads, T, T) of queries heads[0] and keys heads[1]."""
        if not self.is_quantum:
            query, key = F.normalize(self.states(heads), dim=-1)
            return (query @ key.mT).square()
        query, key = amplitudes(self.states(heads))
        if self.is_local:
            return sums_of_local_fidelities(bloch_vectors(query), bloch_vectors(key)) / self.n_qubits
        return fidelities(query, key)
