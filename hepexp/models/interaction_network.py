"""Interaction network that says of each edge between two hits whether they are of one track."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive
from hepexp.models.layers.columns import in_columns, pieces
from hepexp.models.layers.dense import dense
from hepexp.models.weights import load_weights

N_NODE, N_EDGE = 3, 4  # features: r, phi, z; and dr, dphi, dz, dR


class InteractionNetwork(nn.Module):
    """One step of messages along the edges, from which each edge is classified.

    With the features a_ij = (dr, dphi, dz, dR) from hit j to hit i, where dR^2 = deta^2 + dphi^2,

        e_ij = R1(x_i, x_j, a_ij),  x'_i = O(x_i, sum_j e_ij),  logit_ij = R2(x'_i, x'_j, e_ij),

    each of R1, O and R2 an MLP with two hidden layers and ReLU. Messages go both ways, so that a hit knows of tracks
    that come to it and of those that leave it; an edge is classified outwards, with j the inner hit.

    Parameters
    ----------
    n_hidden : width of the hidden layers.
    n_messages : channels of e_ij.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_node_features : features of each node in the data set, r, phi / pi and z.

    Shapes
    ------
    x (M, 3); edge_index (2, E) from the inner hit to the outer one -> logits (E, 1).

    Raises
    ------
    ConfigError : a size below 1, or nodes with other features.

    References
    ----------
    G. DeZoort et al., arXiv:2103.16701, section 4.
    """

    input = "graph"
    lorentz_invariant = False

    def __init__(self, n_hidden: int = 40, n_messages: int = 4, weights: str | None = None, *, n_node_features: int):
        super().__init__()
        require_positive(n_hidden=n_hidden, n_messages=n_messages)
        check_hits("interaction_network", n_node_features)
        hidden = [n_hidden, n_hidden]
        self.R1 = dense(2 * N_NODE + N_EDGE, hidden, n_messages, nn.ReLU)
        self.O = dense(N_NODE + n_messages, hidden, N_NODE, nn.ReLU)
        self.R2 = dense(2 * N_NODE + n_messages, hidden, 1, nn.ReLU)
        load_weights(self, weights)

    def forward(self, batch: GraphBatch) -> Tensor:
        x = batch.x.to(next(self.R2.parameters()).dtype).T
        edges = pieces(batch.edge_index)
        hits = with_eta(x)
        sent = [self._messages(hits, ends) for ends in edges]
        messages = torch.cat(sent, dim=2)  # (n_messages, 2, E): outwards and back
        ends = torch.cat([batch.edge_index[1], batch.edge_index[0]])
        total = messages.new_zeros(len(messages), x.shape[1]).index_add(1, ends, messages.flatten(1))
        moved = in_columns(self.O, torch.cat([x, total]))
        outwards = pieces(messages[:, 0])
        logits = [
            in_columns(self.R2, torch.cat([moved.index_select(1, i), moved.index_select(1, j), e]))
            for (j, i), e in zip(edges, outwards, strict=True)
        ]
        return torch.cat(logits, dim=1).T

    def _messages(self, hits: Tensor, edges: Tensor) -> Tensor:
        """e_ij (n_messages, 2, E) of edges (2, E) between hits (4, M), outwards and back."""
        inner, outer = (hits.index_select(1, ends) for ends in edges)
        features = edge_features(inner, outer)
        inner, outer = inner[:N_NODE], outer[:N_NODE]
        back = torch.cat([-features[:3], features[3:]])
        both = torch.stack([torch.cat([outer, inner, features]), torch.cat([inner, outer, back])], dim=1)
        return in_columns(self.R1, both.flatten(1)).unflatten(1, (2, -1))


def check_hits(model: str, n_node_features: int) -> None:
    """Raise ConfigError for graphs the nodes of which are no hits."""
    if n_node_features != N_NODE:
        raise ConfigError(
            f"model={model} needs hits with r, phi and z, as data=trackml has them; got nodes with "
            f"{n_node_features} features"
        )


def with_eta(x: Tensor) -> Tensor:
    """Hits (3, M) as r, phi / pi and z, and their pseudorapidity: (4, M)."""
    return torch.cat([x, torch.asinh(x[2] / x[0].clamp(min=1e-6))[None]])


def edge_features(inner: Tensor, outer: Tensor) -> Tensor:
    """dr, dphi / pi, dz and dR (4, E), from inner hits to outer ones, each (4, E) as of `with_eta`."""
    dr, dphi, dz, deta = outer - inner
    dphi = dphi - 2 * (dphi / 2).round()
    return torch.stack([dr, dphi, dz, torch.hypot(deta, torch.pi * dphi)])
