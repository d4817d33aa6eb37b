"""The matrices of gates with angles, as tensors.

Each is given by the four entries of the matrix on the gate's last wire, which its other wires control: tensors of the
angles' shape, so that gates of a whole batch are applied without small matrix products.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Entries = tuple[Tensor, ...]  # (u00, u01, u10, u11), complex


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


# Real angles of one shape -> entries, by the name of the gate.
ENTRIES: dict[str, Callable[..., Entries]] = {
    "RX": _rx,
    "RY": _ry,
    "RZ": _rz,
    "PhaseShift": _phase_shift,
    "Rot": _rot,
    "CRX": _rx,
    "CRY": _ry,
    "CRZ": _rz,
}
