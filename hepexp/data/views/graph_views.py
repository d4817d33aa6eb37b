"""Views of graphs: nodes dropped, edges dropped, features masked (GraphCL, arXiv:2010.13902, section 3.1)."""

from __future__ import annotations

from dataclasses import replace

import torch

from hepexp.batch import GraphBatch
from hepexp.data.views.random_view import RandomView


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


def _kept(drawn: torch.Tensor, n: int) -> torch.Tensor:
    """The places (n,) of the n largest numbers, in rising order."""
    return drawn.topk(n, sorted=False).indices.sort().values
