"""The graph of nearest neighbours of the particles of each jet, in plain torch."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hepexp.exporting import in_pieces, is_exported
from hepexp.precision import full_precision

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
    if is_exported():  # k columns whatever n is; a stable sort breaks ties by position too, without reading bits
        index = F.pad(distance.sort(dim=-1, stable=True).indices, (0, k))[..., :k]
    else:
        # The bits of a positive float32 rise with its value: distance in the high bits, position in the low ones.
        key = distance.view(torch.int32).long() << INDEX_BITS | torch.arange(n, device=x.device)
        index = key.topk(min(k, n), largest=False).values & (2**INDEX_BITS - 1)
    rank = torch.arange(index.shape[-1], device=x.device)
    n_others = mask.sum(1) - 1
    return index, mask[..., None] & (rank < n_others[:, None, None])


class Graph(NamedTuple):
    """Edges from each of R rows to K others of the same jet.

    Parameters
    ----------
    neighbours : (R, K) int64 row of each neighbour; the row itself if there is none.
    is_neighbour : (R, K) bool.
    mask : (R,) bool, True for real particles; None if all rows are.
    bounds : first row of each jet, and R: no edge crosses them.
    """

    neighbours: Tensor
    is_neighbour: Tensor
    mask: Tensor | None
    bounds: list[int]


class ParticleRows:
    """Carries features between the padded form (B, N, C) and rows (R, C).

    Parameters
    ----------
    mask : (B, N) True for real particles.
    packed : rows are the real particles only, so that no work is spent on padding; the default on a CPU. Elsewhere,
        counting them would stall the queue: rows are then all B N entries, and the batch is one group of rows.
    """

    def __init__(self, mask: Tensor, packed: bool | None = None):
        self.padded_mask = mask
        self.packed = in_pieces(mask) if packed is None else packed
        flat = mask.flatten()
        if self.packed:
            self.places = flat.nonzero().squeeze(1)
            self.number = (flat.cumsum(0) - 1).view(mask.shape)  # row of each place
            self.mask = None
            self.bounds = [0, *mask.sum(1).cumsum(0).tolist()]
        else:
            self.number = torch.arange(flat.numel(), device=mask.device).view(mask.shape)
            self.mask = flat
            self.bounds = [0, flat.numel()]

    def pack(self, x: Tensor) -> Tensor:
        """(B, N, ...) -> (R, ...)."""
        x = x.flatten(0, 1)
        return x[self.places] if self.packed else x

    def unpack(self, x: Tensor) -> Tensor:
        """(R, C) -> (B, N, C), zero for padding if packed."""
        if self.packed:
            x = x.new_zeros(self.padded_mask.numel(), x.shape[-1]).index_copy(0, self.places, x)
        return x.view(*self.padded_mask.shape, -1)

    def graph(self, points: Tensor, k: int) -> Graph:
        """The k nearest neighbours of each particle in the space of points (R, D)."""
        position, is_neighbour = nearest_neighbours(self.unpack(points.detach()), self.padded_mask, k)
        own = self.number[..., None].expand(position.shape)
        index = torch.where(is_neighbour, self.number.gather(1, position.flatten(1)).view(position.shape), own)
        return Graph(self.pack(index), self.pack(is_neighbour), self.mask, self.bounds)


def canonical_order(p4: Tensor, mask: Tensor) -> Tensor:
    """Indices that sort particles by decreasing energy, ties by px, py, pz; padding last.

    A model that breaks ties by position (nearest neighbours on a grid of pixels are full of ties) does not depend on
    the order of the particles if it sorts them first.

    Parameters
    ----------
    p4 : (B, N, 4) four-momenta (E, px, py, pz), GeV.
    mask : (B, N) True for real particles.

    Returns
    -------
    Tensor, shape (B, N), int64.
    """
    order = torch.arange(p4.shape[1], device=p4.device).expand(mask.shape)
    keys = torch.where(mask[..., None], p4, -torch.inf)
    for component in (3, 2, 1, 0):  # stable sorts from the least significant key to the most
        key = keys[..., component].gather(1, order)
        order = order.gather(1, key.argsort(dim=1, descending=True, stable=True))
    return order


def reorder(x: Tensor, order: Tensor) -> Tensor:
    """x (B, N, ...) with its particles in the given order (B, N)."""
    return x.gather(1, order.reshape(order.shape + (1,) * (x.ndim - 2)).expand(x.shape))
