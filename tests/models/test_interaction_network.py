"""The interaction network is the published one, and the same as one written with torch-geometric's messages."""

import pytest
import torch
from torch import nn

from hepexp.batch import GraphBatch
from hepexp.bench.messages_on_rows import MessagesOnRows
from hepexp.errors import ConfigError
from hepexp.models.interaction_network import InteractionNetwork, edge_features, with_eta
from hepexp.models.layers import columns


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


def test_weights_of_messages_that_only_went_outwards_are_refused(model, tmp_path):
    names = {"R1": "relation", "O": "object", "R2": "classifier"}
    before = {
        key.replace(part, names[part]): v for key, v in model.state_dict().items() for part in [key.split(".")[0]]
    }
    torch.save(before, tmp_path / "before.pt")
    with pytest.raises(ConfigError, match=r"model\.weights: .*before\.pt has no R1\..*another model's weights"):
        InteractionNetwork(weights=str(tmp_path / "before.pt"), n_node_features=3)


def test_is_the_same_as_messages_of_torch_geometric(model):
    batch = graph()
    torch.testing.assert_close(model(batch), MessagesOnRows(model)(batch), rtol=1e-12, atol=1e-12)


def test_pieces_of_edges_are_the_same_as_all_at_once(model, monkeypatch):
    batch = graph()
    whole = model(batch)
    monkeypatch.setattr(columns, "AT_A_TIME", 7)
    torch.testing.assert_close(model(batch), whole, rtol=1e-12, atol=1e-12)


def test_the_innermost_edge_sees_where_the_track_goes_on(model):
    """Else it could only be judged by itself: messages that only go outwards find no edge of the first layers."""
    batch = graph(n=3)
    batch.edge_index = torch.tensor([[0, 1], [1, 2]])
    before = model(batch)[0]
    batch.x[2, 1] += 0.5
    assert abs(model(batch)[0] - before) > 1e-8


def test_edges_across_the_cut_in_azimuth_are_as_short_as_others():
    x = torch.tensor([[0.03, 0.99, 0.1], [0.07, -0.99, 0.2]], dtype=torch.float64)
    hits = with_eta(x.T)
    found = edge_features(hits[:, :1], hits[:, 1:])[:, 0]
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
