"""The particles of a batch as rows of one matrix, and the edges between them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hepexp.models.layers.knn import nearest_neighbours


class Graph(NamedTuple):
    """Edges from each of R rows to K others of the same jet.

    Parameters
    ----------
    index : (R, K) int64 row of each neighbour; the row itself if there is none.
    is_neighbour : (R, K) bool.
    mask : (R,) bool, True for real particles; None if all rows are.
    bounds : first row of each jet, and R: no edge crosses them.
    """

    index: Tensor
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
        self.packed = mask.device.type == "cpu" if packed is None else packed
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
