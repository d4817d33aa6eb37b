"""Views of graphs: nodes dropped, edges dropped, features masked (arXiv:2010.13902, section 3.1), nodes rotated."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from hepexp.batch import GraphBatch
from hepexp.data.views.random_view import RandomView
from hepexp.errors import ConfigError
from hepexp.precision import widest

if TYPE_CHECKING:
    from hepexp.data.representations.representation import Representation

_HALVINGS = 40  # of the interval in which an angle is searched


class NodeDropping(RandomView[GraphBatch]):
    """A share s of the nodes of a batch dropped with their edges, at random, but never all of one graph.

    How many edges are left is only known on the device, for which each view waits once.

    Parameters
    ----------
    strength : s.
    """

    reads = "graph"

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: GraphBatch, random: torch.Generator) -> GraphBatch:
        n, graph = len(batch.x), batch.graph
        drawn = torch.rand(n, generator=random, device=graph.device)
        highest = drawn.new_zeros(len(batch)).scatter_reduce(0, graph, drawn, "amax")
        drawn = drawn + (drawn == highest[graph])  # one of each graph stays
        kept = _kept(drawn, max(n - int(self.strength * n), min(n, len(batch))))
        place = torch.full_like(graph, -1).index_put((kept,), torch.arange(len(kept), device=graph.device))
        ends = place[batch.edge_index]
        return replace(batch, x=batch.x[kept], graph=graph[kept], edge_index=ends[:, (ends >= 0).all(0)])


class EdgeDropping(RandomView[GraphBatch]):
    """A share s of the edges of a batch dropped at random; of two that connect the same nodes each for itself.

    Parameters
    ----------
    strength : s.
    """

    reads = "graph"

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: GraphBatch, random: torch.Generator) -> GraphBatch:
        n = batch.edge_index.shape[1]
        drawn = torch.rand(n, generator=random, device=batch.edge_index.device)
        return replace(batch, edge_index=batch.edge_index[:, _kept(drawn, n - int(self.strength * n))])


class FeatureMasking(RandomView[GraphBatch]):
    """Features of the nodes set to zero, each with probability s.

    Parameters
    ----------
    strength : s.
    """

    reads = "graph"
    keeps_elements = True

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: GraphBatch, random: torch.Generator) -> GraphBatch:
        kept = torch.rand(batch.x.shape, generator=random, device=batch.x.device) >= self.strength
        return replace(batch, x=batch.x * kept)


class NodeRotation(RandomView[GraphBatch]):
    """The nodes of each graph rotated about the origin of space, alike for all rotations by angles up to s.

    The first `n_rotated` features of a node are its place, of representations that say so.

    The axis is isotropic and the angle has the density (1 - cos a) of the rotation group: with 180 degrees all
    rotations are equally likely.

    Parameters
    ----------
    strength : s, degrees; 180 for any angle.
    """

    reads = "graph"
    keeps_elements = True

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def fit_to(self, representation: Representation) -> None:
        if getattr(representation, "n_rotated", 0) != 3:
            raise ConfigError(
                "dataset.augment.rotate rotates nodes in space, but the nodes of this data set have no x, y, z; it is "
                "for those of data=halos"
            )

    def __call__(self, batch: GraphBatch, random: torch.Generator) -> GraphBatch:
        device, n, dtype = batch.graph.device, len(batch), widest(batch.x)
        axis = torch.randn(n, 3, generator=random, device=device, dtype=dtype)
        axis = axis / axis.norm(dim=1, keepdim=True).clamp(min=1e-12)
        most = math.radians(self.strength)
        share = torch.rand(n, 1, generator=random, device=device, dtype=dtype) * (most - math.sin(most))
        low, high = torch.zeros_like(share), torch.full_like(share, most)
        for _ in range(_HALVINGS):  # a - sin a = share
            middle = (low + high) / 2
            above = middle - middle.sin() > share
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        axis, angle = axis[batch.graph], low[batch.graph]
        place = batch.x[:, :3].to(dtype)
        along = (axis * place).sum(1, keepdim=True) * axis
        turned = along + (place - along) * angle.cos() + torch.linalg.cross(axis, place) * angle.sin()
        return replace(batch, x=torch.cat([turned.to(batch.x.dtype), batch.x[:, 3:]], dim=1))


def _kept(drawn: torch.Tensor, n: int) -> torch.Tensor:
    """The places (n,) of the n largest numbers, in rising order."""
    return drawn.topk(n, sorted=False).indices.sort().values
