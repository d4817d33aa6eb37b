"""Products of four-vectors (E, px, py, pz), metric (+, -, -, -), real or complex, without conjugation."""

from __future__ import annotations

import torch
from torch import Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """a . b of vectors (..., 4)."""
    product = a * b
    return product[..., 0] - product[..., 1] - product[..., 2] - product[..., 3]


def invariants(p: Tensor) -> Tensor:
    """2 p_i . p_j (..., n, n) of momenta (..., n, 4): s_ij where they are massless."""
    return 2 * dot(p[..., :, None, :], p[..., None, :, :])


def beams(energy: float | Tensor, like: Tensor) -> Tensor:
    """Two massless momenta (2, 4) along +z and -z, whose energies add up to `energy`, in GeV."""
    directions = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, -1.0]], dtype=like.dtype, device=like.device)
    return 0.5 * energy * directions


def all_outgoing(energy: float | Tensor, p: Tensor) -> Tensor:
    """Momenta (B, n, 4) behind those of the beams, which get a minus sign: (B, n + 2, 4), whose sum is zero."""
    incoming = -beams(energy, p).expand(len(p), 2, 4)
    return torch.cat([incoming, p], dim=1)


def boosted(p: Tensor, frame: Tensor) -> Tensor:
    """Momenta (..., 4) given in the rest frame of `frame` (..., 4), in the frame in which that has its momentum.

    The formula divides by the mass of the frame, which must be above zero.
    """
    mass = dot(frame, frame).clamp_min(torch.finfo(p.dtype).tiny).sqrt()
    along = (p[..., 1:] * frame[..., 1:]).sum(-1)
    energy = (p[..., 0] * frame[..., 0] + along) / mass
    factor = (p[..., 0] + energy) / (frame[..., 0] + mass)
    return torch.cat([energy[..., None], p[..., 1:] + factor[..., None] * frame[..., 1:]], dim=-1)
