"""Graph networks for graphs of pixels: convolutions over the edges, a mean over the nodes, a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import global_mean_pool

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.graph_convolution import convolution
from hepexp.models.weights import load_weights


class GraphNet(nn.Module):
    """Graph convolutions with ReLU, the mean over the nodes of each graph, and an MLP.

    Parameters
    ----------
    conv : type of graph convolution: gcn, gat, sage or gin; see `hepexp.models.layers.graph_convolution` for their
        equations.
    channels : width of each convolution.
    n_hidden : hidden width of the classifier.
    level : `graph` to classify graphs; `node` for one row of outputs for each node, without the mean; `edge` for one
        for each edge, from the sum and the absolute difference of its nodes, which do not depend on its direction.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_node_features : features of each node in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    x (M, n_node_features); edge_index (2, E); graph (M,), the graph of each node -> logits (B, n_classes), with
    level=node (M, n_classes), with level=edge (E, n_classes).

    Raises
    ------
    ConfigError : an unknown convolution or level, or a size below 1.

    References
    ----------
    GCN arXiv:1609.02907, GAT arXiv:1710.10903, GraphSAGE arXiv:1706.02216, GIN arXiv:1810.00826.
    """

    input = "graph"
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        conv: Literal["gcn", "gat", "sage", "gin"] = "gin",
        channels: Sequence[int] = (64, 128, 64),
        n_hidden: int = 16,
        level: Literal["graph", "node", "edge"] = "graph",
        weights: str | None = None,
        *,
        n_node_features: int,
        n_classes: int,
    ):
        super().__init__()
        require_widths(channels=channels)
        require_positive(n_hidden=n_hidden)
        if level not in ("graph", "node", "edge"):
            raise ConfigError(f"model.level must be graph, node or edge, got {level!r}")
        self.level = level
        layer, widths = convolution(conv), (n_node_features, *channels)
        self.convs = nn.ModuleList(layer(*pair) for pair in pairwise(widths))
        n_read = 2 * widths[-1] if level == "edge" else widths[-1]
        self.classifier = nn.Sequential(nn.Linear(n_read, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_classes))
        load_weights(self, weights)

    def forward(self, batch: GraphBatch) -> Tensor:
        x = batch.x.to(next(self.classifier.parameters()).dtype)
        for conv in self.convs:
            x = conv(x, batch.edge_index).relu()
        if self.level == "edge":
            source, target = (x[ends] for ends in batch.edge_index)
            return self.classifier(torch.cat([source + target, (source - target).abs()], dim=1))
        return self.classifier(x if self.level == "node" else global_mean_pool(x, batch.graph, size=len(batch)))
