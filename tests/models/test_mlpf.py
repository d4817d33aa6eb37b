"""MLPF commutes with permutations, ignores padding and other events, and starts from the elements themselves."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec, JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.flow_elements import FEATURES, divided
from hepexp.models.layers.hashed_bins import HashedGraph
from hepexp.models.mlpf import MLPF, GHConv, LinearAttention
from tests import jets

GRAPHS = ("hash", "linear_attention")
SMALL = {"n_hidden": 16, "bin_size": 8, "k": 4, "n_distance": 6, "n_heads": 4}


def model(graph: str, **keys) -> MLPF:
    torch.manual_seed(1)
    made = MLPF(graph, **{**SMALL, **keys}, scalar_names=FEATURES).double()
    torch.nn.init.normal_(made.regressor[-1].weight, std=0.3)
    return made


def events(*multiplicity: int, seed: int = 0) -> JetBatch:
    """Elements with random features, in float64."""
    batch = jets.random_jets(n_scalars=len(FEATURES), seed=seed, multiplicity=torch.tensor(multiplicity))
    random = torch.Generator().manual_seed(seed)
    x = torch.rand(batch.scalars.shape, generator=random, dtype=torch.float64) * batch.mask[..., None]
    return replace(batch, scalars=x)


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("n", [5, 8, 37])
def test_commutes_with_permutations(graph: str, n: int):
    batch, network = events(n, n), model(graph)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(3))
    moved = replace(batch, scalars=batch.scalars[:, order])
    with torch.no_grad():
        assert_close(network(moved), network(batch)[:, order], rtol=0, atol=1e-10)


@pytest.mark.parametrize("graph", GRAPHS)
def test_an_event_is_the_same_alone_padded_and_among_others(graph: str):
    batch, network = events(5, 37, 20, 1), model(graph)
    with torch.no_grad():
        together = network(batch)
        for i, n in enumerate((5, 37, 20, 1)):
            alone = jets.select(batch, [i])
            assert_close(network(alone)[0], together[i, :n], rtol=0, atol=1e-10)
            more = jets.pad(alone, 30)
            more.scalars = torch.where(more.mask[..., None], more.scalars, 1.0)  # whatever stands there
            assert_close(network(more)[0, :n], together[i, :n], rtol=0, atol=1e-10)


@pytest.mark.parametrize("graph", GRAPHS)
def test_gradients_are_finite_and_reach_every_parameter(graph: str):
    batch, network = events(20, 3), model(graph)
    network(batch)[batch.mask].square().sum().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not without
    assert all(p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("graph", GRAPHS)
def test_an_untrained_network_gives_the_momentum_of_the_element(graph: str):
    batch = events(6)
    found = divided(MLPF(graph, **SMALL, scalar_names=FEATURES).double()(batch))[2][0]
    wanted = [FEATURES.index(name) for name in ("pt", "eta", "sin_phi", "cos_phi", "energy")]
    assert_close(found, batch.scalars[0][:, wanted])


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_network_of_few_digits_does_not_round_momenta(graph: str):
    batch = events(20, 3)
    scalars = batch.scalars.float()
    found = MLPF(graph, **SMALL, scalar_names=FEATURES).bfloat16()(replace(batch, scalars=scalars))
    wanted = [FEATURES.index(name) for name in ("pt", "eta", "sin_phi", "cos_phi", "energy")]
    assert_close(divided(found)[2][batch.mask], scalars[batch.mask][:, wanted], rtol=0, atol=0)
    assert found.isfinite().all()


def test_edges_join_the_nearest_of_a_bin_and_no_padding():
    torch.manual_seed(0)
    graph, batch = HashedGraph(len(FEATURES), 6, bin_size=8, k=3).double(), events(21)
    mask, x = batch.mask, batch.scalars
    built = graph(x, mask)
    real = built.real[0]
    assert real.sum() == 21
    assert sorted(built.order[0][real.flatten()].tolist()) == list(range(21))
    z = graph.coordinates(x)[0][built.order[0].clamp(max=20)].unflatten(0, real.shape)
    for b in range(len(real)):
        n = int(real[b].sum())
        adjacency = built.adjacency[0, b]
        assert not adjacency[n:].any()
        assert not adjacency[:, n:].any()
        distance = (z[b, :n, None] - z[b, None, :n]).norm(dim=-1)
        for i in range(n):
            nearest = distance[i].argsort()[:3]
            assert set(adjacency[i].nonzero()[:, 0].tolist()) == set(nearest.tolist())
            closeness = (-distance[i, nearest]).exp()
            pair = torch.cat([z[b, i].expand(len(nearest), -1), z[b, nearest], closeness[:, None]], 1)
            layers = (graph.of_row, graph.of_column, graph.of_closeness)
            hidden = torch.cat([layer.weight for layer in layers], 1) @ pair.T + graph.of_row.bias[:, None]
            expected = closeness * graph.of_edge(torch.nn.functional.elu(hidden).T)[:, 0].sigmoid()
            assert_close(adjacency[i, nearest], expected)


def test_a_graph_convolution_is_its_formula():
    torch.manual_seed(0)
    batch, layer = events(7), GHConv(len(FEATURES)).double()
    graph = HashedGraph(len(FEATURES), 4, bin_size=8, k=3).double()(batch.scalars, batch.mask)
    x, order = batch.scalars[0], graph.order[0]
    a = torch.zeros(7, 7, dtype=x.dtype)
    a[order[:, None], order] = graph.adjacency[0, 0]
    d = a.sum(1).rsqrt()
    g = torch.sigmoid(x @ layer.w_t.weight.T + layer.w_t.bias)
    neighbours = (d[:, None] * a * d) @ x @ layer.theta.weight.T
    expected = torch.nn.functional.elu(g * neighbours + (1 - g) * (x @ layer.w_h.weight.T))
    assert_close(layer(batch.scalars, graph)[0], expected)


def test_linear_attention_is_attention_with_another_kernel():
    torch.manual_seed(0)
    batch, layer = events(9), LinearAttention(12, 1).double()
    x = torch.randn(1, 9, 12, dtype=torch.float64)
    q, k, v = layer.query_key_value(layer.norm(x)).chunk(3, -1)
    kernel = (torch.nn.functional.elu(q) + 1) @ (torch.nn.functional.elu(k) + 1).mT
    y = x + layer.out(kernel / kernel.sum(-1, keepdim=True) @ v)
    assert_close(layer(x, batch.mask), y + layer.mlp(layer.second_norm(y)))


def test_the_cost_is_linear_in_the_elements():
    """A bin has at most `bin_size` elements, whatever their number."""
    graph = HashedGraph(len(FEATURES), 4, bin_size=16, k=3).double()
    for n in (40, 400):
        built = graph(torch.randn(1, n, len(FEATURES), dtype=torch.float64), torch.ones(1, n, dtype=torch.bool))
        assert built.adjacency.shape == (1, -(-n // 16), 16, 16)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"graph": "knn"}, r"model.graph must be hash or linear_attention, got 'knn'"),
        ({"n_hidden": 0}, r"model.n_hidden must be > 0, got 0"),
        ({"graph": "linear_attention", "n_hidden": 10}, r"model.n_heads must divide model.n_hidden=10, got 8"),
        ({"bin_size": 8, "k": 9}, r"model.k must be <= model.bin_size=8, in which neighbours are, got 9"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
        (
            {"scalar_names": ("charge",)},
            r"model=mlpf needs tracks and towers as elements, as data=particle_flow has them",
        ),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        MLPF(**{"scalar_names": FEATURES, **keys})


def test_its_scalars_are_said_to_be_read():
    from hepexp.learning.components import _unread

    data = DataSpec(("ttbar",), scalar_names=FEATURES, n_scalars=len(FEATURES))
    assert not _unread(model("hash"), "particles", "hepexp.models.mlpf.MLPF", data)
