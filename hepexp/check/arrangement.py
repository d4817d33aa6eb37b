"""What is no physics: the order of particles and nodes, empty places, the other examples of a batch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import GraphBatch, JetBatch
from hepexp.check.check import Check
from hepexp.data.views.random_view import RandomView
from hepexp.models import claims

PLACES = 16  # empty ones that are added


class Permuted(RandomView[JetBatch]):
    """The particles of each jet in another order; real ones still come first.

    Parameters
    ----------
    n_first : particles at the beginning that stay where they are, as the beams.
    """

    reads = "particles"

    def __init__(self, n_first: int = 0) -> None:
        self.n_first = n_first

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        key = torch.rand(batch.mask.shape, generator=random, device=batch.mask.device) + ~batch.mask
        key[:, : self.n_first] = -1
        order = key.argsort(dim=1, stable=True)
        rows = torch.arange(len(batch), device=order.device)[:, None]
        p4, scalars = batch.p4[rows, order], batch.scalars[rows, order]
        return replace(batch, p4=p4, scalars=scalars, mask=batch.mask[rows, order])


class Padded(RandomView[JetBatch]):
    """The same jets with more empty places each.

    Parameters
    ----------
    n : how many more.
    """

    reads = "particles"

    def __init__(self, n: int = PLACES) -> None:
        self.n = n

    def __call__(self, batch: JetBatch, random: torch.Generator) -> JetBatch:
        def wider(x: Tensor) -> Tensor:
            return torch.cat([x, x.new_zeros(x.shape[0], self.n, *x.shape[2:])], dim=1)

        return replace(batch, p4=wider(batch.p4), scalars=wider(batch.scalars), mask=wider(batch.mask))


class PermutedNodes(RandomView[GraphBatch]):
    """The same graphs, the nodes of each and all edges in another order."""

    reads = "graph"

    def __call__(self, batch: GraphBatch, random: torch.Generator) -> GraphBatch:
        device = batch.graph.device
        order = torch.argsort(batch.graph + torch.rand(len(batch.graph), generator=random, device=device))
        place = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=device))
        shuffled = torch.randperm(batch.edge_index.shape[1], generator=random, device=device)
        edges = place[batch.edge_index][:, shuffled]
        return replace(batch, x=batch.x[order], edge_index=edges, graph=batch.graph[order])


def arrangement(n_beams: int) -> tuple[Check, ...]:
    """The checks.

    Parameters
    ----------
    n_beams : particles at the beginning of each jet that are no particles of it.
    """
    return (
        Check("batch", "each example alone in its batch", None, reads="any", claim=claims.BATCH, apart=True),
        Check(
            "permutation",
            "particles in another order",
            lambda _: Permuted(n_beams),
            behind=True,
            claim=claims.PERMUTATION,
        ),
        Check("padding", f"{PLACES} more empty places", lambda _: Padded(), behind=True, claim=claims.PADDING),
        Check(
            "node_permutation",
            "nodes and edges in another order",
            lambda _: PermutedNodes(),
            reads="graph",
            behind=True,
            claim=claims.PERMUTATION,
        ),
    )
