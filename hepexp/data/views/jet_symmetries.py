"""Lorentz transformations of whole jets or events: about their axis or the beam, in (y, phi), reflections, any other.

All leave the invariants p_i p_j of the particles, and hence masses and the scalars that follow from them, unchanged.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.data.views.random_view import RandomView


class _JetSymmetry(RandomView[JetBatch]):
    """A transformation of the four-momenta of whole jets, of a strength s."""

    reads = "particles"
    keeps_elements = True

    def __init__(self, strength: float) -> None:
        self.strength = strength


class AxisRotation(_JetSymmetry):
    """Each jet rotated about its axis, the direction of its momentum, by an angle that is uniform in [-s, s].

    For a narrow jet it is the rotation in the plane of (y, phi) of arXiv:2108.04253, section 2.2, which is not exact.

    Parameters
    ----------
    strength : s, degrees; 180 for any angle.
    """

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        angle = math.radians(self.strength) * symmetric(batch.p4[:, :1, :1], random)
        return replace(batch, p4=rotated(batch.p4, axes(batch.p4), angle))


class AxisBoost(_JetSymmetry):
    """Each jet boosted along its axis, by a rapidity that is uniform in [-s, s].

    Parameters
    ----------
    strength : s.
    """

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        rapidity = self.strength * symmetric(batch.p4[:, :1, :1], random)
        return replace(batch, p4=boosted(batch.p4, axes(batch.p4), rapidity))


class BeamRotation(_JetSymmetry):
    """Each example rotated about the beam, the z axis, by an angle that is uniform in [-s, s].

    Parameters
    ----------
    strength : s, degrees; 180 for any angle.
    """

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        dphi = math.radians(self.strength) * symmetric(batch.p4[:, :1, 0], random)
        return replace(batch, p4=moved(batch.p4, torch.zeros_like(dphi), dphi))


class BeamReflection(_JetSymmetry):
    """Each example mirrored with probability 1/2 so that p_y, and with probability 1/2 so that p_z, changes its sign.

    With rotations about the beam these are all symmetries of a detector that is alike at both ends of the beam.
    """

    def __init__(self, strength: float = 1.0) -> None:
        super().__init__(strength)

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        p4 = batch.p4
        y, z = (torch.where(symmetric(p4[:, :1, 0], random) < 0, -1.0, 1.0).to(p4) for _ in range(2))
        signs = torch.stack([torch.ones_like(y), torch.ones_like(y), y, z], dim=-1)  # (B, 1, 4)
        return replace(batch, p4=p4 * signs)


class Translation(_JetSymmetry):
    """Each jet moved in rapidity and in azimuth, by two numbers that are uniform in [-s, s].

    The first is a boost along the beam, the second a rotation about it (arXiv:2108.04253, section 2.2).

    Parameters
    ----------
    strength : s, radians in azimuth.
    """

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        dy, dphi = (self.strength * symmetric(batch.p4[:, :1, 0], random) for _ in range(2))
        return replace(batch, p4=moved(batch.p4, dy, dphi))


class LorentzTransformation(_JetSymmetry):
    """Each jet rotated about an axis, then boosted in a direction, both uniform over the sphere.

    Angle (radians) and rapidity are uniform in [-s, s], so that near the identity the six directions of the Lorentz
    group are alike.

    Parameters
    ----------
    strength : s.
    """

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        size = batch.p4[:, :1, :1]
        angle, rapidity = (self.strength * symmetric(size, random) for _ in range(2))
        p4 = rotated(batch.p4, _directions(batch.p4, random), angle)
        return replace(batch, p4=boosted(p4, _directions(p4, random), rapidity))


def rotated(p4: Tensor, axis: Tensor, angle: Tensor) -> Tensor:
    """Four-momenta (B, N, 4) rotated about unit vectors (B, 1, 3) by angles (B, 1, 1) in radians."""
    p = p4[..., 1:]
    along = (p * axis).sum(-1, keepdim=True) * axis
    across = torch.linalg.cross(axis.expand_as(p), p)
    return torch.cat([p4[..., :1], along + angle.cos() * (p - along) + angle.sin() * across], dim=-1)


def boosted(p4: Tensor, axis: Tensor, rapidity: Tensor) -> Tensor:
    """Four-momenta (B, N, 4) boosted along unit vectors (B, 1, 3) by rapidities (B, 1, 1)."""
    energy, p = p4[..., :1], p4[..., 1:]
    along = (p * axis).sum(-1, keepdim=True)
    after = rapidity.cosh() * along + rapidity.sinh() * energy
    energy = rapidity.cosh() * energy + rapidity.sinh() * along
    return torch.cat([energy, p + (after - along) * axis], dim=-1)


def _directions(p4: Tensor, random: torch.Generator) -> Tensor:
    """Unit vectors (B, 1, 3), uniform over the sphere, one for each jet of (B, N, 4)."""
    normal = torch.randn(len(p4), 1, 3, generator=random, dtype=p4.dtype, device=p4.device)
    return normal / normal.norm(dim=-1, keepdim=True)


def symmetric(like: Tensor, random: torch.Generator) -> Tensor:
    """Random numbers uniform in [-1, 1), in the shape and precision of another tensor."""
    return 2 * torch.rand(like.shape, generator=random, dtype=like.dtype, device=like.device) - 1


def axes(p4: Tensor) -> Tensor:
    """Unit vectors (B, 1, 3) along the momenta of jets with these particles (B, N, 4)."""
    momentum = p4[..., 1:].sum(1, keepdim=True)
    return momentum / momentum.norm(dim=-1, keepdim=True).clamp(min=torch.finfo(p4.dtype).tiny)


def moved(p4: Tensor, dy: Tensor, dphi: Tensor) -> Tensor:
    """Four-momenta (B, N, 4) with rapidity and azimuth changed by (B, 1) or (B, N); pT and mass stay."""
    energy, px, py, pz = p4.unbind(-1)
    return torch.stack(
        [
            dy.cosh() * energy + dy.sinh() * pz,
            dphi.cos() * px - dphi.sin() * py,
            dphi.sin() * px + dphi.cos() * py,
            dy.cosh() * pz + dy.sinh() * energy,
        ],
        dim=-1,
    )
