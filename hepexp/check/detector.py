"""What a detector and its surroundings do: momenta smeared and shifted, particles lost and merged, pile-up."""

from __future__ import annotations

from dataclasses import replace

import torch

from hepexp.batch import JetBatch
from hepexp.check.check import Check
from hepexp.check.emissions import WithMore, around, drawn_from
from hepexp.data.views.jet_emissions import hardest_first, transverse
from hepexp.data.views.jet_resolution import Dropping, Smearing, times
from hepexp.data.views.jet_symmetries import moved
from hepexp.data.views.random_view import RandomView
from hepexp.models.layers.jet_coordinates import rapidity

PILE_UP_PT = 1.0  # GeV, mean pT of particles from other collisions
PILE_UP_RADIUS = 0.8  # in y and phi about the hardest particle


class MomentumScale(RandomView[JetBatch]):
    """All momenta times 1 + s, as by a wrong calibration; directions and masses stay.

    Parameters
    ----------
    shift : s.
    """

    reads = "particles"
    keeps_elements = True

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        return replace(batch, p4=times(batch.p4, batch.p4.new_tensor(1 + self.shift)))


class Merging(WithMore):
    """Particles within a radius of a harder one are added to it, as cells of a calorimeter do.

    Beginning with the hardest, each particle that has not been merged takes those around it. A merged particle keeps
    the scalars of its hardest part, such as its type, but its own mass.

    Parameters
    ----------
    radius : in y and phi.
    """

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        batch = hardest_first(batch)
        y, phi = rapidity(batch.p4), torch.atan2(batch.p4[..., 2], batch.p4[..., 1])
        p4, mask = batch.p4, batch.mask
        for i in range(mask.shape[1]):
            dphi = torch.remainder(phi - phi[:, i : i + 1] + torch.pi, 2 * torch.pi) - torch.pi
            near = (torch.hypot(y - y[:, i : i + 1], dphi) < self.radius) & mask & mask[:, i : i + 1]
            near[:, : i + 1] = False
            p4 = p4.index_add(1, torch.tensor([i], device=p4.device), (p4 * near[..., None]).sum(1, keepdim=True))
            mask = mask & ~near
        scalars = batch.scalars
        if self.mass_scalar is not None:
            mass = (p4[..., 0].square() - p4[..., 1:].square().sum(-1)).abs().sqrt()
            merged = (p4 != batch.p4).any(-1)
            scalars = scalars.clone()
            scalars[..., self.mass_scalar] = torch.where(
                merged, mass.log1p().to(scalars), scalars[..., self.mass_scalar]
            )
        return hardest_first(replace(batch, p4=p4, scalars=scalars, mask=mask))


class PileUp(WithMore):
    """Soft particles of other collisions, a Poisson number in each jet, within 0.8 of its hardest particle.

    Their pT falls exponentially, with a mean of 1 GeV. Each is a copy of a random particle of the jet: of its type,
    with its mass reduced as its pT.

    Parameters
    ----------
    mean : number of them.
    """

    def __init__(self, mean: float) -> None:
        self.mean = mean

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        n = torch.poisson(batch.p4.new_full((len(batch), 1), self.mean), generator=random)
        most = int(n.max()) if len(batch) else 0
        parent, p4, scalars = drawn_from(batch, most, random)
        pt = PILE_UP_PT * batch.p4.new_empty(parent.shape).exponential_(generator=random)
        factor = pt / transverse(batch).gather(1, parent).clamp(min=torch.finfo(pt.dtype).tiny)
        first = transverse(batch).masked_fill(~batch.mask, -1).argmax(1)[:, None, None]
        axis = batch.p4.gather(1, first.expand(-1, 1, 4))
        p4 = factor[..., None] * p4
        dy, dphi = around(p4, PILE_UP_RADIUS, random)
        back_phi = torch.atan2(axis[..., 2], axis[..., 1]) - torch.atan2(p4[..., 2], p4[..., 1])
        p4 = moved(p4, rapidity(axis) - rapidity(p4) + dy, back_phi + dphi)
        mask = torch.arange(most, device=n.device) < n
        return self.add(batch, p4, self.with_mass(scalars, factor), mask)


CHECKS = (
    Check("smear", "momentum of each particle smeared", Smearing, (0.01, 0.05, 0.1, 0.2), "relative resolution"),
    Check("scale", "all momenta scaled", MomentumScale, (-0.1, -0.03, 0.03, 0.1), "relative shift"),
    Check("drop", "particles lost, but the hardest", Dropping, (0.02, 0.05, 0.1, 0.2), "probability"),
    Check("merge", "particles merged with a harder one near by", Merging, (0.01, 0.03, 0.1), "radius in y and phi"),
    Check("pile_up", "soft particles added, of 1 GeV on average", PileUp, (2.0, 5.0, 10.0, 20.0), "mean number"),
)
