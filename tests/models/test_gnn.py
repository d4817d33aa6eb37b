"""Graph networks: the counts of ML4SCI 2025, and their equations on a graph small enough to write down."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError
from hepexp.models.gnn import GraphNet
from hepexp.models.layers.graph_convolution import convolution

PATH = torch.tensor([[0, 1, 2, 1], [1, 2, 1, 0]])  # 0 - 1 - 2, both ways
X = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]], dtype=torch.float64)
NEIGHBOURS = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=torch.float64)  # row i: the neighbours of i


def layer(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return convolution(name)(2, 3).double()


@pytest.mark.parametrize(("conv", "count"), [("gcn", 17_906), ("gat", 18_418), ("sage", 34_482), ("gin", 42_738)])
def test_the_number_of_parameters_is_that_of_the_document(conv: str, count: int):
    model = GraphNet(conv, n_node_features=3, n_classes=2)
    assert sum(p.numel() for p in model.parameters()) == count


def test_gcn_averages_by_degree():
    gcn = layer("gcn")
    joined = NEIGHBOURS + torch.eye(3)
    root = joined.sum(1).rsqrt()
    expected = (root[:, None] * joined * root) @ X @ gcn.conv.lin.weight.T + gcn.conv.bias
    assert_close(gcn(X, PATH), expected)


def test_gat_weighs_neighbours_by_attention():
    gat = layer("gat")
    h = X @ gat.conv.lin.weight.T
    query, key = h @ gat.conv.att_dst[0, 0], h @ gat.conv.att_src[0, 0]
    score = torch.nn.functional.leaky_relu(query[:, None] + key, 0.2)
    attention = score.masked_fill(NEIGHBOURS + torch.eye(3) == 0, -torch.inf).softmax(1)
    assert_close(gat(X, PATH), attention @ h + gat.conv.bias)


def test_sage_adds_the_mean_of_the_neighbours():
    sage = layer("sage")
    mean = NEIGHBOURS @ X / NEIGHBOURS.sum(1, keepdim=True)
    assert_close(sage(X, PATH), X @ sage.lin_r.weight.T + mean @ sage.lin_l.weight.T + sage.lin_l.bias)


def test_gin_sums_the_neighbours():
    gin = layer("gin")
    assert_close(gin(X, PATH), gin.nn(X + NEIGHBOURS @ X))


def test_messages_go_from_source_to_target():
    """With the one edge 0 -> 1, node 0 hears nothing."""
    edge, none = torch.tensor([[0], [1]]), torch.zeros(2, 0, dtype=torch.int64)
    for name in ("gcn", "gat", "sage", "gin"):
        moved = (layer(name)(X, edge) - layer(name)(X, none)).abs().sum(1) > 1e-9
        assert moved.tolist() == [False, True, False]


def test_the_mean_over_nodes_does_not_grow_with_the_graph():
    """A graph beside its own copy, as one graph, is judged like the graph alone."""
    common = {"label": torch.zeros(1, dtype=torch.int64), "index": torch.arange(1), "extras": torch.zeros(1, 0)}
    one = GraphBatch(**common, x=X, edge_index=PATH, graph=torch.zeros(3, dtype=torch.int64))
    edges = torch.cat([PATH, PATH + 3], dim=1)
    two = GraphBatch(**common, x=X.repeat(2, 1), edge_index=edges, graph=torch.zeros(6, dtype=torch.int64))
    for conv in ("gcn", "gat", "sage", "gin"):
        model = GraphNet(conv, n_node_features=2, n_classes=2).double()
        assert_close(model(two), model(one))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"conv": "gim"}, "model.conv must be one of gcn, gat, sage, gin, got 'gim'"),
        ({"channels": []}, r"model.channels must be one or more widths > 0, got \[\]"),
        ({"n_hidden": 0}, "model.n_hidden must be > 0, got 0"),
    ],
)
def test_what_cannot_be_built_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        GraphNet(**keys, n_node_features=3, n_classes=2)
