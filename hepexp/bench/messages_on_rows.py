"""The interaction network by torch-geometric, on a graph with each edge twice: what ours is timed against."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.nn import MessagePassing

from hepexp.batch import GraphBatch
from hepexp.models.interaction_network import InteractionNetwork


class MessagesOnRows(MessagePassing):
    """Equations of arXiv:2103.16701, section 4, around the MLPs of a given network."""

    def __init__(self, of: InteractionNetwork) -> None:
        super().__init__(aggr="add", flow="source_to_target")
        self.of = of
        self.sent = torch.zeros(0)

    def message(self, x_i: Tensor, x_j: Tensor, a: Tensor) -> Tensor:
        self.sent = self.of.R1(torch.cat([x_i, x_j, a], dim=1))
        return self.sent

    def update(self, total: Tensor, x: Tensor) -> Tensor:
        return self.of.O(torch.cat([x, total], dim=1))

    def forward(self, batch: GraphBatch) -> Tensor:
        x = batch.x.to(next(self.parameters()).dtype)
        inner, outer = batch.edge_index
        both = torch.cat([batch.edge_index, batch.edge_index.flip(0)], dim=1)
        moved = self.propagate(both, x=x, a=_features(x, both))
        return self.of.R2(torch.cat([moved[outer], moved[inner], self.sent[: len(inner)]], dim=1))


def _features(x: Tensor, edge_index: Tensor) -> Tensor:
    """dr, dphi / pi, dz and dR (E, 4) from source to target."""
    source, target = x[edge_index[0]], x[edge_index[1]]
    d = target - source
    dphi = torch.remainder(d[:, 1] + 1, 2) - 1
    eta = torch.asinh(x[:, 2] / x[:, 0])
    dR = torch.hypot(eta[edge_index[1]] - eta[edge_index[0]], torch.pi * dphi)
    return torch.stack([d[:, 0], dphi, d[:, 2], dR], dim=1)
