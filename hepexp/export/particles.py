"""The inputs of networks of particles: four-momenta, which are real, and the columns that their scalars are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import Ragged, pad
from hepexp.data.transforms.carry import Carry
from hepexp.data.transforms.frame import StandardFrame
from hepexp.data.transforms.particle_selection import HardestParticles, WithBeams
from hepexp.data.transforms.resolution import Resolution
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError
from hepexp.export.extras import Extra
from hepexp.export.scalars import Scalars, scalars_of
from hepexp.export.tensors import BATCH, PARTICLES, Inputs, TensorSpec, of_particles

P4 = TensorSpec("p4", "float64", (BATCH, PARTICLES, 4), "GeV", "(E, px, py, pz) of each particle, zero for padding")
MASK = of_particles("mask", "bool", meaning="true for real particles, which come first")
REFUSED = {
    StandardFrame: "dataset.frame takes eigenvectors of each jet, which no format has",
    Resolution: "dataset.smear draws random numbers",
}


class Hardest(nn.Module):
    """The n particles of largest pT of each jet, in their order, moved to the front; see `HardestParticles`."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, p4: Tensor, scalars: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pt2 = p4[..., 1].square() + p4[..., 2].square()
        order = torch.where(mask, -pt2, 1.0).sort(dim=1, stable=True).indices
        rank = order.sort(dim=1, stable=True).indices
        kept = mask & (rank < self.n)
        front = torch.where(kept, 0.0, 1.0).sort(dim=1, stable=True).indices
        p4, scalars = (x.gather(1, front[..., None].expand(-1, -1, x.shape[-1])) for x in (p4, scalars))
        return p4, scalars, kept.gather(1, front)


class Beams(nn.Module):
    """Two beams before the particles of each jet; see `WithBeams`."""

    def forward(self, p4: Tensor, scalars: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        beams = p4.new_tensor([[2**0.5, 0, 0, 1], [2**0.5, 0, 0, -1]])
        their = scalars.new_tensor([[0, math.log1p(1)]] * 2)
        before = [(x, beam.expand(x.shape[0], 2, -1)) for x, beam in ((p4, beams), (scalars, their))]
        p4, scalars = (torch.cat([beam, x], dim=1) for x, beam in before)
        return p4, scalars, torch.cat([torch.ones_like(mask[:, :1]).expand(-1, 2), mask], dim=1)


def selections(steps: Iterable[HardestParticles | WithBeams]) -> list[nn.Module]:
    """The steps as modules; those that keep all particles are left out."""
    made: list[nn.Module] = []
    for step in steps:
        if isinstance(step, WithBeams):
            made.append(Beams())
        elif step.n:
            made.append(Hardest(step.n))
    return made


class ParticleInputs(Inputs):
    """From four-momenta and columns to the batch that a network of particles takes.

    Parameters
    ----------
    representation : of the data set, with its scales.
    extra : additional inputs of each example.
    n_scalars : that the data set gives.
    """

    def __init__(self, representation: Representation, extra: Extra, n_scalars: int) -> None:
        super().__init__()
        self.before, self.source, after = split(representation.transforms)
        self.scalars: Scalars = scalars_of(self.source, n_scalars)
        self.after = nn.ModuleList(selections(after))
        self.extra = extra
        self.tensors = (P4, MASK, *self.scalars.columns, *extra.tensors)

    def forward(self, p4: Tensor, mask: Tensor, *others: Tensor) -> JetBatch:
        n = len(self.scalars.columns)
        scalars = self.scalars(p4, *others[:n]).float()
        for step in self.after:
            p4, scalars, mask = step(p4, scalars, mask)
        p4, scalars = (torch.where(mask[..., None], x, 0) for x in (p4, scalars))
        return JetBatch(**self.extra(mask, *others[n:]), p4=p4, scalars=scalars, mask=mask)

    def feed(self, examples: Ragged) -> dict[str, NDArray]:
        """The inputs of examples of the store, padded to the longest of them."""
        for transform in self.before:
            examples = transform(examples)
        made = self.source(examples)
        counts = made.counts
        found = pad_p4(made)
        columns: Mapping[str, NDArray] = {**examples.extras, **examples.elements}
        for one in self.scalars.columns:
            values = made["scalars"] if one.name == "scalars" else columns[one.name]
            values = np.repeat(values, counts) if one.name in examples.extras else values
            found[one.name] = pad(values.astype(one.dtype), counts)
        return found | self.extra.feed(examples)


def split(
    transforms: tuple[Transform, ...],
) -> tuple[tuple[Transform, ...], Transform, tuple[HardestParticles | WithBeams, ...]]:
    """The steps before the one that makes four-momenta, that one, and those after it.

    Raises
    ------
    ConfigError : a step after it cannot be part of a network.
    """
    for step in transforms:
        if reason := REFUSED.get(type(step)):
            raise ConfigError(f"this run cannot be exported: {reason}")
    after = tuple(step for step in transforms if isinstance(step, HardestParticles | WithBeams))
    others = [step for step in transforms if step not in after]
    first = [step for step in others if isinstance(step, Carry)]
    return tuple(first + [step for step in others[:-1] if step not in first]), others[-1], after


def pad_p4(jets: Ragged) -> dict[str, NDArray]:
    """The four-momenta (B, N, 4) and the mask (B, N) of jets, padded to the longest."""
    counts = jets.counts
    return {"p4": pad(jets["p4"], counts), "mask": np.arange(counts.max(initial=0)) < counts[:, None]}
