"""Mean and variance of phi_e's first layer over all pairs, from sums over particles."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.models.layers.lorentz_kernel.geometry import Invariants
from hepexp.models.layers.masked_batch_norm import sum_over_ranks
from hepexp.models.layers.particle_pairs import ParticlePairs


def pair_moments(
    a: Tensor, b: Tensor, c: Tensor, invariants: Invariants, pairs: ParticlePairs
) -> tuple[Tensor, Tensor, Tensor]:
    """Moments over the real pairs i != j of z_ij = a_i + b_j + c s_ij, without forming it.

    With a, b and s measured from their means over the pairs, the sum of z^2 over the pairs of one jet of n particles is

        (n-1) sum_i (a_i^2 + b_i^2) + 2 (sum_i a_i)(sum_i b_i) - 2 sum_i a_i b_i
        + 2 sum_i (a_i + b_i) c sum_j s_ij + sum_ij (c s_ij)^2.

    Differentiable; the sums run over all ranks, and over jets in float64 where the device has it.

    Parameters
    ----------
    a, b : (R, K).
    c : (K, S).
    invariants : S of each pair, symmetric in i and j.

    Returns
    -------
    mean (K,), biased variance (K,), number of pairs ().
    """
    wide, narrow, width, of_pairs = invariants.rows.dtype, a.dtype, a.shape[-1], c.shape[-1]
    neighbours = pairs.neighbours
    local = torch.cat([a * neighbours, b * neighbours, neighbours], dim=1)
    local = torch.cat([pairs.sum_over_particles(local).to(wide).sum(0), invariants.rows.sum(0)])
    a_mean, b_mean, count, s_mean = sum_over_ranks(local).split([width, width, 1, of_pairs])
    count = count[0].detach().clamp(min=1)
    a_mean, b_mean, s_mean = a_mean / count, b_mean / count, s_mean / count

    paired = (neighbours > 0).to(narrow)
    a, b = (a - a_mean.to(narrow)) * paired, (b - b_mean.to(narrow)) * paired
    edge = (invariants.rows - neighbours * s_mean).to(narrow) @ c.T
    both = a + b
    # (n-1) (a^2 + b^2) - 2 a b = n (a^2 + b^2) - (a + b)^2
    own = (neighbours + 1) * (a.square() + b.square()) + both * (2 * edge - both)
    own, a, b = pairs.sum_over_particles(torch.cat([own, a, b], dim=1)).split(width, dim=1)
    jets = (own + 2 * a * b).to(wide).sum(0)
    sums = sum_over_ranks(torch.cat([jets, invariants.square.reshape(-1)])) / count
    s_var = sums[width:].view(of_pairs, of_pairs) - torch.outer(s_mean, s_mean)
    c = c.to(wide)
    mean = a_mean + b_mean + c @ s_mean
    return mean, (sums[:width] + ((c @ s_var) * c).sum(1)).clamp(min=0), count
