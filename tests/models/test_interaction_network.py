"""The interaction network is the published one, and the same as one written with torch-geometric's messages."""

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError
from hepexp.models.interaction_network import InteractionNetwork, edge_features


class Transcription(MessagePassing):
    """Equations of arXiv:2103.16701, section 4, around the MLPs of a given network."""

    def __init__(self, of: InteractionNetwork):
        super().__init__(aggr="add", flow="source_to_target")
        self.of = of
        self.sent: Tensor | None = None

    def message(self, x_i: Tensor, x_j: Tensor, a: Tensor) -> Tensor:
        self.sent = self.of.relation(torch.cat([x_i, x_j, a], dim=1))
        return self.sent

    def update(self, total: Tensor, x: Tensor) -> Tensor:
        return self.of.object(torch.cat([x, total], dim=1))

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        moved = self.propagate(edge_index, x=x, a=edge_features(x, edge_index))
        source, target = edge_index
        return self.of.classifier(torch.cat([moved[target], moved[source], self.sent], dim=1))


def graph(n: int = 30, edges: int = 80) -> GraphBatch:
    g = torch.Generator().manual_seed(0)
    x = torch.rand(n, 3, generator=g, dtype=torch.float64) * 2 - 1
    x[:, 0] = 0.03 + x[:, 0].abs() / 6
    ends = torch.randint(0, n, (2, edges), generator=g)
    zero = torch.zeros(1, dtype=torch.int64)
    return GraphBatch(zero, zero, torch.zeros(1, 0), x=x, edge_index=ends, graph=torch.zeros(n, dtype=torch.int64))


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return InteractionNetwork(n_node_features=3).double()


def test_parameters_are_the_published_ones(model):
    assert sum(p.numel() for p in model.parameters()) == 6448


def test_is_the_same_as_messages_of_torch_geometric(model):
    batch = graph()
    torch.testing.assert_close(model(batch), Transcription(model)(batch.x, batch.edge_index), rtol=1e-12, atol=1e-12)


def test_edges_across_the_cut_in_azimuth_are_as_short_as_others():
    x = torch.tensor([[0.03, 0.99, 0.1], [0.07, -0.99, 0.2]], dtype=torch.float64)
    found = edge_features(x, torch.tensor([[0], [1]]))[0]
    eta = torch.asinh(x[:, 2] / x[:, 0])
    dr = torch.hypot(eta[1] - eta[0], torch.tensor(0.02 * torch.pi, dtype=torch.float64))
    torch.testing.assert_close(found, torch.stack([*torch.tensor([0.04, 0.02, 0.1], dtype=torch.float64), dr]))


def test_a_graph_without_edges_has_no_outputs(model):
    batch = graph()
    batch.edge_index = batch.edge_index[:, :0]
    assert model(batch).shape == (0, 1)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_hidden": 0, "n_node_features": 3}, r"model.n_hidden must be > 0, got 0"),
        ({"n_node_features": 7}, r"model=interaction_network needs hits with r, phi and z, as data=trackml has them"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        InteractionNetwork(**keys)
