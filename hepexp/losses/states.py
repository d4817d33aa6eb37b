"""Embeddings as states of a circuit, and their fidelities."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.losses.all_pairs import of_rows, others_of_class
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.fidelity import bloch_vectors, fidelities, fidelity, sums_of_local_fidelities
from hepexp.quantum.layer import bounded_angles
from hepexp.quantum.templates import state_circuit

SMALL = 1e-3  # standard deviation of the first weights: the circuit begins near its CNOTs, with gradients


class CircuitStates(nn.Module):
    """States Z(h) V ... Z(h) V Y(h) H |0> of projections h: encodings, and the even/odd block V between them.

    Y(h) and Z(h) are RY and RZ by tanh(h_k) pi / 2 on each wire, V is CNOT on pairs (0, 1), (2, 3), ..., CNOT on
    (1, 2), (3, 4), ..., RY(theta_k). A linear layer makes h from a projection of another width than the number of
    qubits.

    V is the same for both states, and |<a|V^+ V|b>|^2 = |<a|b>|^2: blocks after the last encoding have no effect on
    the fidelity of registers. Pairwise swap tests compare reduced states, on which the CNOTs of the last block have an
    effect but its rotations, the same on one wire of both states, have none: so all trained angles of QMLHEP VI, whose
    depth is 1. With `reupload` an encoding follows each block, and all angles count.

    F_k of equal states is their purity, below 1 where the qubit is entangled with others: 1 - F of pairwise tests does
    not vanish for equal states, and rewards states without entanglement as well.

    Gradients of the fidelity of registers vanish for many qubits; see `hepexp.quantum.fidelity` for sizes and remedies.

    Parameters
    ----------
    n_qubits : wires of a register.
    depth : number of blocks V.
    reupload : encode h again, by Z(h), after each block; otherwise once, before all of them, as in QMLHEP VI.
    swap_test : whose result is computed from the state vectors, for all pairs in one matrix product. That of whole
        registers, `register`, has F = |<psi|phi>|^2, also as similarity; `pairwise` ones have F = mean of F_k =
        Tr(rho_k sigma_k) over qubits k, and as similarity S = (sum_k F_k + eps)^2.
    eps : of S; it keeps a gradient where all F_k vanish.
    backend : evaluates the circuit.

    Raises
    ------
    ConfigError : a number out of range, blocks without an effect, or a backend without state vectors.

    References
    ----------
    A. Perez-Salinas et al., arXiv:1907.02085 (re-uploading).
    """

    circuit: Circuit

    def __init__(
        self,
        n_qubits: int = 4,
        depth: int = 1,
        reupload: bool = True,
        swap_test: Literal["register", "pairwise"] = "register",
        eps: float = 0.01,
        *,
        backend: Backend,
    ):
        super().__init__()
        for key, value, least in (("n_qubits", n_qubits, 1), ("depth", depth, 0), ("eps", eps, 0)):
            if not least <= value < float("inf"):
                raise ConfigError(f"loss.states.{key} must be >= {least}, got {value}")
        if swap_test == "register" and depth and not reupload:
            raise ConfigError(
                f"loss.states.depth={depth} has no effect: blocks after the encoding are the same for both states and "
                "leave |<psi|phi>|^2 as it is; choose depth=0, reupload=true or swap_test=pairwise in loss.states"
            )
        self.n_qubits, self.depth, self.reupload, self.eps = n_qubits, depth, reupload, eps
        self.is_local = swap_test == "pairwise"
        self.backend = backend
        self.angles: nn.Module = nn.Identity()

    def lay_out(self, wanted_by: str) -> None:
        """Lay out the circuit, and check that the backend evaluates it.

        Parameters
        ----------
        wanted_by : the key that asks for states, such as loss.alpha=0.5, for error messages.

        Raises
        ------
        ConfigError : the backend has no state vectors, or the machine lacks the memory.
        """
        if not self.backend.is_quantum:
            raise ConfigError(
                f"{wanted_by} compares circuit states, and this backend has none; choose backend=statevector"
            )
        try:
            self.circuit = state_circuit(self.n_qubits, self.depth, self.reupload).giving_state
            with torch.no_grad():
                nothing = torch.zeros(1, self.n_qubits), torch.zeros(self.circuit.n_weights)
                self.backend.states(self.circuit, *nothing, name="states")
        except ConfigError as error:
            raise ConfigError(f"{wanted_by} compares circuit states: {error}") from error

    def prepare(self, width: int) -> None:
        """Draw the first weights, for projections of this width."""
        first = SMALL * torch.randn(self.circuit.n_weights)
        self.weights = nn.Parameter(first, requires_grad=self.circuit.n_weights > 0)
        if width != self.n_qubits:
            self.angles = nn.Linear(width, self.n_qubits)

    def vectors(self, projection: Tensor) -> Tensor:
        """The state vectors (B, 2^n) of projections (B, P)."""
        angles = bounded_angles(self.angles(projection))
        return self.backend.states(self.circuit, angles, self.weights)

    def forward(self, projection: Tensor) -> Tensor:
        """What pairs of projections (B, P) are compared by: their state vectors, or Bloch vectors (B, n, 3)."""
        psi = self.vectors(projection)
        return bloch_vectors(psi) if self.is_local else psi

    def fidelity(self, a: Tensor, b: Tensor) -> Tensor:
        """F (B,) of the same rows of a and b, from `forward`."""
        return ((1 + (a * b).sum(-1)) / 2).mean(-1) if self.is_local else fidelity(a, b)

    def fidelities(self, a: Tensor, b: Tensor) -> Tensor:
        """F (A, B) of all pairs."""
        return sums_of_local_fidelities(a, b) / self.n_qubits if self.is_local else fidelities(a, b)

    def similarities(self, a: Tensor, b: Tensor) -> Tensor:
        """F (A, B) of all pairs, or S of pairwise swap tests."""
        return (sums_of_local_fidelities(a, b) + self.eps).square() if self.is_local else fidelities(a, b)

    def fidelity_of_classes(self, rows: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """F (B,) of each row and the others of its class, averaged over these, and their number (B,)."""
        count, others = others_of_class(label), torch.arange(len(rows), device=rows.device)

        def each(i: Tensor) -> Tensor:
            positive = (label[i, None] == label) & (i[:, None] != others)
            return (self.fidelities(rows[i], rows) * positive).sum(1) / count[i].clamp(min=1)

        return of_rows(each, len(rows), len(rows), rows.device), count
