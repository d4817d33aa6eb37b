"""What a detector does to a jet: it smears momenta, and loses particles."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.data.views.jet_emissions import hardest_first, transverse
from hepexp.data.views.random_view import RandomView


class Smearing(RandomView[JetBatch]):
    """The momentum of each particle times exp(s g - s^2 / 2), g a normal deviate: mean 1 and relative width s.

    Directions and masses stay.

    Parameters
    ----------
    strength : s.
    """

    reads = "particles"

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        energy = batch.p4[..., :1]
        deviate = torch.randn(energy.shape, generator=random, dtype=energy.dtype, device=energy.device)
        factor = (self.strength * deviate - self.strength**2 / 2).exp()
        return hardest_first(replace(batch, p4=times(batch.p4, factor)))


class Dropping(RandomView[JetBatch]):
    """Particles lost, each with probability s, except for the hardest one of each jet.

    Parameters
    ----------
    strength : s.
    """

    reads = "particles"

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        pt = transverse(batch).masked_fill(~batch.mask, -1)
        kept = torch.rand(pt.shape, generator=random, device=pt.device) >= self.strength
        if pt.shape[1]:
            kept = kept.scatter(1, pt.argmax(1, keepdim=True), True)
        return hardest_first(replace(batch, mask=batch.mask & kept))


def times(p4: Tensor, factor: Tensor) -> Tensor:
    """Four-momenta (B, N, 4) whose momenta are multiplied by a factor (B, N, 1), or by one for all; masses stay."""
    energy, p = p4[..., :1], p4[..., 1:]
    # from the old energy rather than from the mass, which rounding of nearly massless particles would make up
    energy = (energy.square() + (factor.square() - 1) * p.square().sum(-1, keepdim=True)).clamp(min=0).sqrt()
    return torch.cat([energy, factor * p], dim=-1)
