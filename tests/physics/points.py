"""Momenta at random points of phase space."""

import torch
from torch import Tensor

from hepexp.physics.phase_space import PhaseSpace
from hepexp.physics.vectors import all_outgoing

ENERGY = 500.0  # GeV


def gluons(n: int, number: int, seed: int = 0) -> Tensor:
    """Momenta (number, n, 4) of g g -> (n - 2) g, all outgoing, in float64."""
    space = PhaseSpace(ENERGY, [0.0] * (n - 2))
    generator = torch.Generator().manual_seed(seed)
    r = torch.rand(number, space.n_dims, dtype=torch.float64, generator=generator)
    return all_outgoing(ENERGY, space(r)[0])
