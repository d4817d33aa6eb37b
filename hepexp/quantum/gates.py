"""The gates that circuits are made of: their matrices, and how they are drawn.

A gate of one wire with parameters is given by the four entries of its matrix, each a tensor of the parameters' shape,
so that gates of a whole batch are applied without small matrix products. The conventions are PennyLane's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Entries = tuple[Tensor, Tensor, Tensor, Tensor]  # (u00, u01, u10, u11), complex


@dataclass(frozen=True)
class Gate:
    """One kind of gate.

    Parameters
    ----------
    symbols : the symbol on each wire in a drawing; a control is "●".
    n_parameters : number of angles.
    constant : its matrix (2^k, 2^k) if it has no angles; wire 0 is the most significant bit.
    entries : real angles of one shape -> the matrix entries on its last wire, which the other wires control.
    """

    symbols: tuple[str, ...]
    n_parameters: int = 0
    constant: np.ndarray | None = None
    entries: Callable[..., Entries] | None = None

    @property
    def n_wires(self) -> int:
        return len(self.symbols)


def _rx(theta: Tensor) -> Entries:
    """exp(-i theta X / 2)."""
    cos, sin, zero = _half(theta)
    diagonal, off = torch.complex(cos, zero), torch.complex(zero, -sin)
    return diagonal, off, off, diagonal


def _ry(theta: Tensor) -> Entries:
    """exp(-i theta Y / 2)."""
    cos, sin, zero = _half(theta)
    diagonal, off = torch.complex(cos, zero), torch.complex(sin, zero)
    return diagonal, -off, off, diagonal


def _rz(theta: Tensor) -> Entries:
    """exp(-i theta Z / 2)."""
    cos, sin, zero = _half(theta)
    off = torch.complex(zero, zero)
    return torch.complex(cos, -sin), off, off, torch.complex(cos, sin)


def _phase_shift(phi: Tensor) -> Entries:
    """diag(1, exp(i phi))."""
    zero = torch.zeros_like(phi)
    off = torch.complex(zero, zero)
    return torch.complex(zero + 1, zero), off, off, torch.complex(torch.cos(phi), torch.sin(phi))


def _rot(phi: Tensor, theta: Tensor, omega: Tensor) -> Entries:
    """RZ(omega) RY(theta) RZ(phi)."""
    cos, sin, _ = _half(theta)
    cos_sum, sin_sum, _ = _half(phi + omega)
    cos_difference, sin_difference, _ = _half(phi - omega)
    return (
        torch.complex(cos_sum * cos, -sin_sum * cos),
        torch.complex(-cos_difference * sin, -sin_difference * sin),
        torch.complex(cos_difference * sin, -sin_difference * sin),
        torch.complex(cos_sum * cos, sin_sum * cos),
    )


def _half(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """cos(theta / 2), sin(theta / 2) and zeros of the same shape."""
    return torch.cos(theta / 2), torch.sin(theta / 2), torch.zeros_like(theta)


def _permutation(*images: int) -> np.ndarray:
    """The matrix that takes basis state j to images[j]."""
    matrix = np.zeros((len(images), len(images)), complex)
    matrix[list(images), range(len(images))] = 1
    return matrix


PAULIS = {
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]).astype(complex),
}

GATES = {
    "H": Gate(("H",), constant=np.array([[1, 1], [1, -1]], complex) / np.sqrt(2)),
    **{name: Gate((name,), constant=matrix) for name, matrix in PAULIS.items()},
    "S": Gate(("S",), constant=np.diag([1, 1j])),
    "T": Gate(("T",), constant=np.diag([1, np.exp(0.25j * np.pi)])),
    "RX": Gate(("RX",), 1, entries=_rx),
    "RY": Gate(("RY",), 1, entries=_ry),
    "RZ": Gate(("RZ",), 1, entries=_rz),
    "PhaseShift": Gate(("P",), 1, entries=_phase_shift),
    "Rot": Gate(("Rot",), 3, entries=_rot),
    "CNOT": Gate(("●", "X"), constant=_permutation(0, 1, 3, 2)),
    "CZ": Gate(("●", "Z"), constant=np.diag([1, 1, 1, -1]).astype(complex)),
    "SWAP": Gate(("x", "x"), constant=_permutation(0, 2, 1, 3)),
    "CSWAP": Gate(("●", "x", "x"), constant=_permutation(0, 1, 2, 3, 4, 6, 5, 7)),
    "CRX": Gate(("●", "RX"), 1, entries=_rx),
    "CRY": Gate(("●", "RY"), 1, entries=_ry),
    "CRZ": Gate(("●", "RZ"), 1, entries=_rz),
}
