"""What infrared- and collinear-safe observables do not see: particles that split collinearly, and soft emissions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.data.views.jet_symmetries import moved
from hepexp.data.views.random_view import RandomView

if TYPE_CHECKING:
    from hepexp.data.representations.representation import Representation


class WithMass(RandomView[JetBatch]):
    """Base class of views that multiply four-momenta by numbers: psi(mass) among the scalars follows."""

    reads = "particles"
    mass_scalar: int | None = None

    def fit_to(self, representation: Representation) -> None:
        found = [step.mass_scalar for step in representation.transforms if step.mass_scalar is not None]
        self.mass_scalar = found[-1] if found else None

    def with_mass(self, scalars: Tensor, factor: Tensor) -> Tensor:
        """Scalars (..., S) of particles whose four-momentum has been multiplied by a factor (...)."""
        if self.mass_scalar is None:
            return scalars
        scalars = scalars.clone()
        mass = scalars[..., self.mass_scalar].double().expm1()  # of psi(m) = ln(1 + m)
        scalars[..., self.mass_scalar] = (factor * mass).log1p().to(scalars)
        return scalars


class CollinearSplitting(WithMass):
    """Some particles of each jet replaced by two in the same direction, with z and 1 - z of the four-momentum.

    Energy and momentum are conserved, and z is uniform in [0, 1]; particles are drawn at random, s n of n on average.
    Both halves keep the scalars of the particle, its type and charge among them, so that sums weighted with energy,
    as of the charge, stay as they are; a scalar psi(m) becomes that of their masses z m and (1 - z) m. The longest jet
    that a batch could hold decides by how many places its padding grows (arXiv:2108.04253, section 2.2).

    Parameters
    ----------
    strength : s, the mean fraction of particles that split.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        n_jets, n, _ = batch.p4.shape
        dtype, device = batch.p4.dtype, batch.p4.device

        def uniform(columns: int) -> torch.Tensor:
            return torch.rand(n_jets, columns, generator=random, dtype=dtype, device=device)

        most = math.ceil(self.strength * n)
        drawn = uniform(n).masked_fill(~batch.mask, -1)
        parent = drawn.topk(most, dim=1).indices  # (B, most), of which each jet takes as many as it should
        wanted = self.strength * batch.mask.sum(1, keepdim=True) + uniform(1)
        splits = torch.arange(most, device=device) < wanted.floor()
        z = uniform(most).clamp(min=torch.finfo(dtype).eps)
        z = z.masked_fill(~splits, 1)  # neither half is without momentum: models take its logarithm
        # what is left of each particle, and what the emitted ones have of it
        share = torch.cat([batch.p4.new_ones(n_jets, n).scatter(1, parent, z), 1 - z], dim=1)
        place = torch.cat([torch.arange(n, device=parent.device).expand(n_jets, n), parent], dim=1)
        mask = torch.cat([batch.mask, splits], dim=1)
        p4 = share[..., None] * batch.p4.gather(1, place[..., None].expand(-1, -1, 4))
        scalars = batch.scalars.gather(1, place[..., None].expand(-1, -1, batch.scalars.shape[2])) * mask[..., None]
        return hardest_first(replace(batch, p4=p4, scalars=self.with_mass(scalars, share), mask=mask))


class SoftEmission(RandomView[JetBatch]):
    """The directions of soft particles smeared: y and phi by normal deviates of width s / pT.

    pT and mass stay. The width is at most 1, where a direction is lost anyway (arXiv:2108.04253, section 2.2, where s
    is called Lambda_soft and is 100 MeV).

    Parameters
    ----------
    strength : s, GeV.
    """

    reads = "particles"
    keeps_elements = True

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        pt = transverse(batch)
        width = self.strength / pt.clamp(min=self.strength)
        dy, dphi = (width * torch.randn(pt.shape, generator=random, dtype=pt.dtype, device=pt.device) for _ in range(2))
        return replace(batch, p4=moved(batch.p4, dy, dphi))


def transverse(batch: JetBatch) -> Tensor:
    """pT (B, N) of the particles, GeV."""
    return torch.hypot(batch.p4[..., 1], batch.p4[..., 2])


def hardest_first(batch: JetBatch) -> JetBatch:
    """The same jets with their particles in order of falling pT, and padding behind them, with momentum zero."""
    order = transverse(batch).masked_fill(~batch.mask, -1).argsort(dim=1, descending=True, stable=True)
    mask = batch.mask.gather(1, order)

    def ordered(values: Tensor) -> Tensor:
        return values.gather(1, order[..., None].expand_as(values)) * mask[..., None]

    return replace(batch, p4=ordered(batch.p4), scalars=ordered(batch.scalars), mask=mask)
