"""The k nearest neighbours of every particle within its jet, in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.models.layers.precision import full_precision

INDEX_BITS = 16  # of the sort key, for the position of a particle: jets of up to 65,536 particles


@torch.no_grad()
def nearest_neighbours(x: Tensor, mask: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest other real particles of each particle.

    A particle is never its own neighbour, and padding is never a neighbour. Distances are compared in float32, with
    ties broken by position, so that the choice depends only on the particles and their order (`topk` guarantees nothing
    about ties). In a jet of n <= k particles each has n - 1 neighbours; the rest is masked out.

    Parameters
    ----------
    x : (B, N, D) coordinates.
    mask : (B, N) True for real particles.
    k : number of neighbours.

    Returns
    -------
    index : (B, N, K) int64 positions of the neighbours, nearest first, K = min(k, N).
    is_neighbour : (B, N, K) bool, False where there is no such neighbour.
    """
    n = x.shape[1]
    with full_precision(x):
        x = x if x.dtype == torch.float64 else x.float()
        # Differences, not |x|^2 + |y|^2 - 2xy, which loses precision for near neighbours (and more in TF32).
        distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").float()
    myself = torch.eye(n, dtype=torch.bool, device=x.device)
    distance = distance.masked_fill(myself | ~mask[:, None, :], torch.inf)
    # The bits of a positive float32 rise with its value: distance in the high bits, position in the low ones.
    key = distance.view(torch.int32).long() << INDEX_BITS | torch.arange(n, device=x.device)
    index = key.topk(min(k, n), largest=False).values & (2**INDEX_BITS - 1)
    rank = torch.arange(index.shape[-1], device=x.device)
    n_others = mask.sum(1) - 1
    return index, mask[..., None] & (rank < n_others[:, None, None])
