"""Spinors of massless momenta, and the polarisation vectors made of them.

Complex square roots continue them to negative energies, so that all particles can be taken as outgoing. The axis along
which a spinor is singular is -y, as beams are along z.

References
----------
L. Dixon, hep-ph/9601359, section 2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def spinors(p: Tensor) -> tuple[Tensor, Tensor]:
    """lambda and lambda~ (..., 2), complex, whose product is the matrix of p (..., 4)."""
    plus = torch.complex(p[..., 0] + p[..., 2], torch.zeros_like(p[..., 0])).sqrt()
    across = torch.complex(p[..., 3], p[..., 1])
    return torch.stack([plus, across / plus], -1), torch.stack([plus, across.conj() / plus], -1)


def product(a: Tensor, b: Tensor) -> Tensor:
    """<ab> of spinors (..., 2); [ba] of conjugate ones."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def vector_of(matrix: Tensor) -> Tensor:
    """The vector (..., 4) of a matrix (..., 2, 2), such as lambda lambda~^T of a momentum."""
    plus, across = matrix[..., 0, 0], matrix[..., 1, 0]
    other, minus = matrix[..., 0, 1], matrix[..., 1, 1]
    parts = [plus + minus, -1j * (across - other), plus - minus, across + other]
    return torch.stack(parts, -1) / 2


def polarisations(p: Tensor, reference: Tensor) -> Tensor:
    """Polarisation vectors (..., 2, 4) of helicity +1 and -1 of outgoing gluons, in a light-cone gauge.

    Parameters
    ----------
    p : momenta (..., 4), massless.
    reference : a massless momentum (4,), parallel to none of them, on which no amplitude depends.
    """
    ket, bra = spinors(p)
    q_ket, q_bra = (one.expand_as(ket) for one in spinors(reference))
    plus = q_ket[..., :, None] * bra[..., None, :] / product(q_ket, ket)[..., None, None]
    minus = ket[..., :, None] * q_bra[..., None, :] / product(q_bra, bra)[..., None, None]
    return math.sqrt(2) * torch.stack([vector_of(plus), vector_of(minus)], dim=-2)


def linear_polarisations(p: Tensor) -> Tensor:
    """Two real polarisation vectors (..., 2, 4), perpendicular to the momentum and without a time component.

    A sum over them equals one over helicities, in half of the memory.
    """
    direction = p[..., 1:] / p[..., 1:].norm(dim=-1, keepdim=True)
    axis = torch.nn.functional.one_hot(direction.abs().argmin(-1), 3).to(p)  # never along the momentum
    first = torch.linalg.cross(direction, axis)
    first = first / first.norm(dim=-1, keepdim=True)
    both = torch.stack([first, torch.linalg.cross(direction, first)], dim=-2)
    return torch.cat([torch.zeros_like(both[..., :1]), both], dim=-1)
