"""Infrared and collinear safety: one more particle, ever softer, or at an ever smaller angle to its partner."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.check.check import Check
from hepexp.data.views.jet_emissions import WithMass, hardest_first, transverse
from hepexp.data.views.jet_symmetries import moved, rotated
from hepexp.models.claims import IRC

FRACTIONS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-10)
OPENINGS = (3e-1, 1e-1, 3e-2, 1e-2, 1e-3, 0.0)
RADIUS = 0.4  # in y and phi, within which soft particles are emitted
LEAST_SHARE = 0.1  # of the four-momentum, that either of two halves has


class WithMore(WithMass):
    """Base class of changes that add particles."""

    def add(self, batch: JetBatch, p4: Tensor, scalars: Tensor, mask: Tensor) -> JetBatch:
        """The jets with more particles (B, K), in order of falling pT."""
        return hardest_first(
            replace(
                batch,
                p4=torch.cat([batch.p4, p4 * mask[..., None]], dim=1),
                scalars=torch.cat([batch.scalars, scalars * mask[..., None]], dim=1),
                mask=torch.cat([batch.mask, mask], dim=1),
            )
        )


class SoftParticle(WithMore):
    """One more particle in each jet, with a fraction of its scalar sum of pT, within 0.4 of a random particle.

    It is a copy of that particle: of its type, with its mass reduced as its pT.

    Parameters
    ----------
    fraction : of the sum.
    """

    def __init__(self, fraction: float) -> None:
        self.fraction = fraction

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        pt = transverse(batch) * batch.mask
        parent, p4, scalars = drawn_from(batch, 1, random)
        factor = self.fraction * pt.sum(1, keepdim=True) / pt.gather(1, parent).clamp(min=torch.finfo(pt.dtype).tiny)
        dy, dphi = around(p4, RADIUS, random)
        p4 = moved(factor[..., None] * p4, dy, dphi)
        return self.add(batch, p4, self.with_mass(scalars, factor), torch.ones_like(parent, dtype=torch.bool))


class CollinearPair(WithMore):
    """The hardest particle of each jet replaced by two, with z and 1 - z of its four-momentum, at an angle.

    z is uniform in [0.1, 0.9]. Energy is conserved, and momentum up to the square of the angle: the halves are turned
    out of the direction of the particle by (1 - z) and z times the angle, about a random axis across it. Both keep the
    scalars of the particle, such as its type.

    Parameters
    ----------
    angle : between the two, radians; 0 for an exactly collinear pair.
    """

    def __init__(self, angle: float) -> None:
        self.angle = angle

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        hardest = transverse(batch).masked_fill(~batch.mask, -1).argmax(1, keepdim=True)  # (B, 1)
        at = hardest[..., None]
        parent = batch.p4.gather(1, at.expand(-1, -1, 4))
        scalars = batch.scalars.gather(1, at.expand(-1, -1, batch.scalars.shape[2]))
        z = torch.rand(hardest.shape, generator=random, dtype=parent.dtype, device=parent.device)
        z = LEAST_SHARE + (1 - 2 * LEAST_SHARE) * z
        axis = _across(parent[..., 1:], random)
        one = rotated(z[..., None] * parent, axis, (self.angle * (1 - z))[..., None])
        other = rotated((1 - z)[..., None] * parent, axis, (-self.angle * z)[..., None])
        p4 = batch.p4.scatter(1, at.expand(-1, -1, 4), one)
        halved = batch.scalars.scatter(1, at.expand_as(scalars), self.with_mass(scalars, z))
        batch = replace(batch, p4=p4, scalars=halved)
        return self.add(batch, other, self.with_mass(scalars, 1 - z), torch.ones_like(hardest, dtype=torch.bool))


def drawn_from(batch: JetBatch, n: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Places (B, n) of random particles of each jet, their four-momenta (B, n, 4) and scalars (B, n, S)."""
    drawn = torch.rand(len(batch), n, generator=random, dtype=torch.float64, device=batch.p4.device)
    place = (drawn * batch.mask.sum(1, keepdim=True)).long().clamp(max=max(batch.mask.shape[1] - 1, 0))
    p4 = batch.p4.gather(1, place[..., None].expand(-1, -1, 4))
    return place, p4, batch.scalars.gather(1, place[..., None].expand(-1, -1, batch.scalars.shape[2]))


def around(p4: Tensor, radius: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Changes (B, n) of rapidity and azimuth, uniform in a disc, for four-momenta (B, n, 4)."""
    uniform = partial(torch.rand, p4.shape[:-1], generator=random, dtype=p4.dtype, device=p4.device)
    r, angle = radius * uniform().sqrt(), 2 * torch.pi * uniform()
    return r * angle.cos(), r * angle.sin()


def _across(momentum: Tensor, random: torch.Generator) -> Tensor:
    """Random unit vectors at right angles to momenta (B, 1, 3)."""
    other = torch.randn(momentum.shape, generator=random, dtype=momentum.dtype, device=momentum.device)
    across = torch.linalg.cross(momentum, other)
    return across / across.norm(dim=-1, keepdim=True).clamp(min=torch.finfo(momentum.dtype).tiny)


CHECKS = (
    Check(
        "soft",
        "one more soft particle within 0.4",
        SoftParticle,
        FRACTIONS,
        "fraction of the jet's pT",
        claim=IRC,
        judged=FRACTIONS[-1:],
        scale="log",
    ),
    Check(
        "collinear",
        "the hardest particle split into two",
        CollinearPair,
        OPENINGS,
        "angle between the two (radians)",
        claim=IRC,
        judged=OPENINGS[-1:],
        scale="log",
    ),
)
