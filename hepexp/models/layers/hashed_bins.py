"""Graphs of elements at linear cost: neighbours are only looked for in bins of elements with like features.

References
----------
J. Pata et al., arXiv:2101.08578, section 4; locality-sensitive hashing: N. Kitaev et al., arXiv:2001.04451.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.dense import dense

MOST_BINS = 128  # that hashing tells apart; an event with more elements has several bins of one hash
_NOWHERE = 2 * MOST_BINS  # hash of padding


@dataclass(frozen=True)
class BinnedGraph:
    """Weights of the edges within each bin, and where the elements of the bins are.

    Shapes
    ------
    adjacency (B, C, W, W), from column to row, with C bins of W places; order (B, C W), the element in each place;
    place (B, N), the inverse; real (B, C, W), False for padding.
    """

    adjacency: Tensor
    order: Tensor
    place: Tensor
    real: Tensor

    def binned(self, x: Tensor) -> Tensor:
        """x (B, N, F) -> (B, C, W, F)."""
        bins, width = self.real.shape[1:]
        more = bins * width - x.shape[1]
        x = torch.cat([x, x.new_zeros(len(x), more, x.shape[2])], 1) if more else x
        return x.gather(1, self.order[..., None].expand(-1, -1, x.shape[2])).unflatten(1, (bins, width))

    def propagate(self, x: Tensor) -> Tensor:
        """D^-1/2 A D^-1/2 x of x (B, N, F), with the sums D of the rows of A."""
        degree = self.adjacency.sum(-1)
        scale = torch.where(self.real, degree.clamp(min=torch.finfo(x.dtype).tiny).rsqrt(), 0)[..., None]
        found = (scale * (self.adjacency @ (scale * self.binned(x)))).flatten(1, 2)
        return found.gather(1, self.place[..., None].expand(-1, -1, x.shape[2]))


class HashedGraph(nn.Module):
    """Joins each element to the k nearest ones of its bin, with A_ij = e^(-d_ij) sigma(MLP(z_i, z_j, e^(-d_ij))).

    d_ij is the distance of learnt coordinates z. The n elements of an event are sorted by a hash, the largest of the
    projections of z on directions that are random and fixed and on their negatives, as many as there are bins, n /
    `bin_size`; then each `bin_size` of them are a bin. Those of one hash are in the order of the first projection, so
    that their order in the event has no effect, nor has padding.

    Parameters
    ----------
    n_in : features of an element.
    n_distance : coordinates z.
    bin_size, k : elements of a bin, and neighbours of each, itself included.
    """

    def __init__(self, n_in: int, n_distance: int, bin_size: int, k: int):
        super().__init__()
        self.bin_size, self.k = bin_size, k
        self.coordinates = dense(n_in, [n_in], n_distance, nn.ELU)
        # a first layer of (z_i, z_j, e^-d) in its three parts, so that it costs N in place of N k
        self.of_row, self.of_column = nn.Linear(n_distance, n_distance), nn.Linear(n_distance, n_distance, bias=False)
        self.of_closeness, self.of_edge = nn.Linear(1, n_distance, bias=False), nn.Linear(n_distance, 1)
        self.directions: Tensor
        self.register_buffer("directions", torch.randn(n_distance, MOST_BINS // 2))

    def forward(self, x: Tensor, mask: Tensor) -> BinnedGraph:
        """x (B, N, n_in), mask (B, N) -> the graph of each event."""
        z = self.coordinates(x)
        order, real = self._bins(z.detach(), mask)
        place = order.argsort(1)[:, : x.shape[1]]
        graph = BinnedGraph(z.new_zeros(0), order, place, real)
        z = graph.binned(z)
        wide = z if z.element_size() >= 4 else z.float()  # cdist has no bfloat16
        distance = torch.cdist(wide, wide, compute_mode="donot_use_mm_for_euclid_dist")
        there = real[:, :, :, None] & real[:, :, None]
        nearest = distance.masked_fill(~there, torch.inf).topk(min(self.k, z.shape[2]), largest=False).indices
        closeness = (-distance.gather(-1, nearest)).exp().to(self.of_closeness.weight.dtype)
        places = nearest.flatten(2)[..., None].expand(-1, -1, -1, z.shape[3])
        column = self.of_column(z).gather(2, places).unflatten(2, nearest.shape[2:])
        hidden = F.elu(self.of_row(z)[:, :, :, None] + column + self.of_closeness(closeness[..., None]))
        weight = closeness * self.of_edge(hidden).squeeze(-1).sigmoid() * there.gather(-1, nearest)
        adjacency = torch.zeros_like(distance, dtype=weight.dtype).scatter(-1, nearest, weight)
        return BinnedGraph(adjacency, order, place, real)

    def _bins(self, z: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The order (B, C W) of elements in bins, and which of the places (B, C, W) have one."""
        n_events, longest = mask.shape
        n = mask.sum(1)
        width = min(self.bin_size, longest)
        bins = -(-longest // width)
        projected = z @ self.directions
        n_directions = (-(-n // self.bin_size) / 2).ceil().clamp(1, MOST_BINS // 2)
        unused = torch.arange(MOST_BINS // 2, device=z.device) >= n_directions[:, None]
        both = torch.stack([projected, -projected], -1).masked_fill(unused[:, None, :, None], -torch.inf)
        hashed = both.flatten(2).argmax(-1).masked_fill(~mask, _NOWHERE)
        within = projected[..., 0].argsort(stable=True, dim=1)
        order = within.gather(1, hashed.gather(1, within).argsort(stable=True, dim=1))
        more = torch.arange(longest, bins * width, device=z.device).expand(n_events, -1)
        real = torch.arange(bins * width, device=z.device) < n[:, None]
        return torch.cat([order, more], 1), real.unflatten(1, (bins, width))
