"""The encoder for contrastive learning has the parameters of ML4SCI 2025, and is a function of each graph by itself."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec, GraphBatch
from hepexp.errors import ConfigError
from hepexp.losses.supervised_contrastive import SupervisedContrastive
from hepexp.models.graph_encoder import GraphEncoder


def graphs(n_extras: int = 2) -> GraphBatch:
    """Two rings, of 5 and 3 nodes."""
    g = torch.Generator().manual_seed(0)
    ring = [[(i + 1) % 5 for i in range(5)] + [5 + (i + 1) % 3 for i in range(3)], list(range(8))]
    return GraphBatch(
        label=torch.tensor([0, 1]),
        index=torch.tensor([0, 1]),
        extras=torch.randn(2, n_extras, generator=g, dtype=torch.float64),
        x=torch.randn(8, 3, generator=g, dtype=torch.float64),
        edge_index=torch.tensor(ring),
        graph=torch.tensor([0] * 5 + [1] * 3),
    )


@pytest.mark.parametrize(("conv", "n"), [("gcn", 56_192), ("gat", 56_832), ("sage", 97_152), ("gin", 93_376)])
def test_encoder_and_projector_have_the_document_s_parameters(conv: str, n: int):
    model, objective = GraphEncoder(conv, n_node_features=3, n_extras=2).double(), SupervisedContrastive()
    objective.prepare(model.eval(), graphs(), DataSpec(("a", "b")))
    assert sum(p.numel() for part in (model, objective) for p in part.parameters()) == n


@pytest.mark.parametrize("conv", ["gcn", "gat", "sage", "gin"])
def test_the_order_of_the_nodes_and_other_graphs_do_not_matter(conv: str):
    batch = graphs()
    model = GraphEncoder(conv, n_node_features=3, n_extras=2).double().eval()
    together = model(batch)
    order = torch.tensor([3, 0, 4, 1, 2])
    alone = GraphBatch(
        label=batch.label[:1],
        index=batch.index[:1],
        extras=batch.extras[:1],
        x=batch.x[order],
        edge_index=torch.argsort(order)[batch.edge_index[:, :5]],
        graph=torch.zeros(5, dtype=torch.long),
    )
    assert_close(model(alone), together[:1], rtol=0, atol=1e-10)


def test_the_values_of_the_jet_are_read_where_there_are_some():
    model = GraphEncoder(n_node_features=3, n_extras=2).double().eval()
    batch = graphs()
    changed = GraphBatch(**{**vars(batch), "extras": batch.extras + torch.tensor([[1.0, 0.0], [0.0, 0.0]])})
    difference = (model(changed) - model(batch)).abs().sum(1)
    assert difference[0] > 1e-6
    assert difference[1] == 0
    assert GraphEncoder(n_node_features=3, n_extras=0).double()(graphs(0)).shape == (2, 64)


def test_values_out_of_range():
    with pytest.raises(ConfigError, match=r"model\.channels must be one or more widths > 0"):
        GraphEncoder(channels=(), n_node_features=3, n_extras=0)
