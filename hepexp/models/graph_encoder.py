"""Graph encoder of ML4SCI 2025 for contrastive learning: node and jet features side by side, convolutions, a mean."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import global_mean_pool

from hepexp.batch import GraphBatch
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.dense import hidden_layers
from hepexp.models.layers.graph_convolution import convolution
from hepexp.models.weights import load_weights


class GraphEncoder(nn.Module):
    """Embedding of a graph: the mean over its nodes after several graph convolutions.

    Each node starts from an MLP of its own features concatenated with an MLP of the jet's variables (such as mass and
    pT), so that every node carries information about the whole jet.

    Parameters
    ----------
    conv : type of graph convolution: gcn, gat, sage or gin; see `hepexp.models.layers.graph_convolution` for their
        equations.
    n_point : width of the layer that reads a node's features.
    global_sizes : widths of the layers that read the jet's variables (`extras`); not built if the data set has none.
    channels : width of each convolution; the last is that of the embedding.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_node_features : features of each node in the data set.
    n_extras : variables of each jet in the data set.

    Shapes
    ------
    x (M, n_node_features); edge_index (2, E); graph (M,), the graph of each node; extras (B, n_extras)
    -> embedding (B, channels[-1]).

    Raises
    ------
    ConfigError : an unknown convolution, or a width below 1.
    """

    input = "graph"
    lorentz_invariant = False

    def __init__(
        self,
        conv: Literal["gcn", "gat", "sage", "gin"] = "gin",
        n_point: int = 64,
        global_sizes: Sequence[int] = (32, 64),
        channels: Sequence[int] = (128, 128, 64),
        weights: str | None = None,
        *,
        n_node_features: int,
        n_extras: int,
    ):
        super().__init__()
        require_positive(n_point=n_point)
        require_widths(global_sizes=global_sizes, channels=channels)
        self.point = nn.Sequential(nn.Linear(n_node_features, n_point), nn.ReLU())
        self.of_jet = hidden_layers(n_extras, global_sizes, nn.ReLU) if n_extras else None
        layer, first = convolution(conv), n_point + (global_sizes[-1] if n_extras else 0)
        self.convs = nn.ModuleList(layer(*pair) for pair in pairwise((first, *channels)))
        load_weights(self, weights)

    def forward(self, batch: GraphBatch) -> Tensor:
        dtype = next(self.point.parameters()).dtype
        x = self.point(batch.x.to(dtype))
        if self.of_jet is not None:
            x = torch.cat([x, self.of_jet(batch.extras.to(dtype))[batch.graph]], dim=1)
        for conv in self.convs[:-1]:
            x = conv(x, batch.edge_index).relu()
        return global_mean_pool(self.convs[-1](x, batch.edge_index), batch.graph, size=len(batch))
