"""Views of graphs: what is left of nodes, edges and features, and that it is still the same graph."""

import math
from dataclasses import replace

import pytest
import torch

from hepexp.batch import GraphBatch
from hepexp.data.representations.column_graph import ColumnGraph
from hepexp.data.views.augmentation import Augmentation
from hepexp.data.views.graph_views import EdgeDropping, FeatureMasking, NodeDropping, NodeRotation
from hepexp.data.views.views import Views
from hepexp.errors import ConfigError

COUNTS = (1, 2, 40, 17)


def source(seed=5):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def graphs():
    """Fully connected; the first feature of a node is its number."""
    graph = torch.arange(len(COUNTS)).repeat_interleave(torch.tensor(COUNTS))
    n = len(graph)
    edges = torch.nonzero((graph[:, None] == graph) & ~torch.eye(n, dtype=torch.bool)).T
    x = torch.cat([torch.arange(n)[:, None].float() + 1, torch.rand(n, 3, generator=source(0)) + 1], dim=1)
    empty = torch.zeros(len(COUNTS), 0)
    index = torch.arange(len(COUNTS))
    return GraphBatch(label=index, index=index, extras=empty, x=x, edge_index=edges, graph=graph)


def names(batch):
    """The edges, each by the numbers of its nodes before anything was dropped."""
    return {tuple(pair) for pair in batch.x[:, 0].long()[batch.edge_index].T.tolist()}


@pytest.mark.parametrize("strength", [0.2, 0.95])
def test_dropped_nodes_take_their_edges_with_them_and_no_graph_is_lost(graphs, strength):
    dropped = NodeDropping(strength)(graphs, source())
    assert len(dropped.x) == max(len(graphs.x) - int(strength * len(graphs.x)), len(COUNTS))
    assert dropped.graph.unique().tolist() == list(range(len(COUNTS)))
    assert (dropped.graph.diff() >= 0).all()
    left = set(dropped.x[:, 0].long().tolist())
    assert names(dropped) == {(a, b) for a, b in names(graphs) if a in left and b in left}
    owner = dict(zip(graphs.x[:, 0].tolist(), graphs.graph.tolist(), strict=True))
    assert [owner[number] for number in dropped.x[:, 0].tolist()] == dropped.graph.tolist()


def test_every_node_of_a_large_graph_is_dropped_alike(graphs):
    """But for one of each graph, which is the more likely to stay the smaller the graph is."""
    random, seen = source(), torch.zeros(len(graphs.x))
    for _ in range(400):
        seen[NodeDropping(0.5)(graphs, random).x[:, 0].long() - 1] += 1
    large = seen[graphs.graph == 2] / 400
    assert large.min() > 0.4
    assert large.max() < 0.6
    assert (seen[0] / 400).item() == 1


def test_dropped_edges_are_the_share_that_was_asked_for(graphs):
    dropped = EdgeDropping(0.1)(graphs, source())
    n = graphs.edge_index.shape[1]
    assert dropped.edge_index.shape[1] == n - int(0.1 * n)
    assert names(dropped) < names(graphs)
    assert torch.equal(dropped.x, graphs.x)
    assert not EdgeDropping(1)(graphs, source()).edge_index.numel()


def test_masked_features_are_zero_and_others_as_before(graphs):
    graphs = replace(graphs, x=graphs.x.repeat(50, 1), graph=graphs.graph.repeat(50))
    masked = FeatureMasking(0.2)(graphs, source()).x
    zero = masked == 0
    assert torch.equal(masked[~zero], graphs.x[~zero])
    assert zero.float().mean().item() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("view", [NodeDropping(0.2), EdgeDropping(0.2), FeatureMasking(0.2)])
def test_a_view_is_a_copy(view, graphs):
    before = {name: value.clone() for name, value in graphs.tensors().items()}
    view(graphs, source())
    assert all(torch.equal(value, before[name]) for name, value in graphs.tensors().items())


def test_rotated_nodes_keep_their_distances_and_any_direction_is_as_likely(graphs):
    graphs = replace(graphs, x=torch.rand(len(graphs.x), 5, generator=source(1), dtype=torch.float64))
    turned = NodeRotation(180)(graphs, source())
    assert torch.equal(turned.x[:, 3:], graphs.x[:, 3:])
    own = graphs.graph[:, None] == graphs.graph
    before, after = (batch.x[:, :3] @ batch.x[:, :3].T for batch in (graphs, turned))
    torch.testing.assert_close(before[own], after[own])
    assert not torch.allclose(before, after)  # graphs turn independently
    n = 4000
    many = replace(graphs, label=torch.zeros(n), graph=torch.arange(n), x=torch.eye(3).double()[[0] * n])
    x = NodeRotation(180)(many, source()).x
    torch.testing.assert_close(x.T @ x / n, torch.eye(3).double() / 3, rtol=0, atol=0.03)
    assert x.mean(0).abs().max() < 0.04
    assert NodeRotation(30)(many, source()).x[:, 0].min() > math.cos(math.radians(30)) - 1e-6


def test_of_another_representation_the_views_are_those_of_the_key():
    with pytest.raises(ConfigError, match=r"augment\.crop is a view of image, but .* graph; .*mask_features, rotate$"):
        Augmentation(crop=0.2).of(ColumnGraph(("x", "y")))
    with pytest.raises(ConfigError, match=r"views\.crop is a view of image, but .* graph; .*mask_features$"):
        Views(crop=0.2).of(ColumnGraph(("x", "y")))


def test_nodes_without_coordinates_are_not_rotated():
    with pytest.raises(ConfigError, match=r"dataset\.augment\.rotate rotates nodes in space.*data=halos"):
        Augmentation(rotate=180).of(ColumnGraph(("x", "y")))
