"""The energy by brute force, which falls at each update; and straight tracks, which are found without training."""

from itertools import permutations

import numpy as np
import pytest
import torch

from hepexp.batch import GraphBatch
from hepexp.data.datasets.trackml import generate
from hepexp.data.datasets.trackml.graph import HitGraph
from hepexp.errors import ConfigError
from hepexp.models.track_hopfield import TrackHopfield
from tests.models.test_interaction_network import graph


def hits(*numbers: int, seed: int = 1) -> tuple[GraphBatch, torch.Tensor]:
    """Simulated events of so many particles, and whether each edge is true."""
    random = np.random.default_rng(seed)
    events = [generate.event(random, m) for m in numbers]
    x, ends, event, same, first = [], [], [], [], 0
    for k, one in enumerate(events):
        made = HitGraph().encode(one)
        edges = np.stack([made.edges["source"], made.edges["target"]]).astype(np.int64)
        same.append(one["particle"][edges[0]] == one["particle"][edges[1]])
        x.append(made["x"])
        ends.append(edges + first)
        event.append(np.full(len(made["x"]), k))
        first += len(made["x"])
    zero = torch.zeros(len(events), dtype=torch.int64)
    x, ends, event, same = (torch.from_numpy(np.concatenate(a, -1 if a is ends else 0)) for a in (x, ends, event, same))
    return GraphBatch(zero, zero, torch.zeros(len(events), 0), x=x, edge_index=ends, graph=event), same


def brute_force(batch: GraphBatch, model: TrackHopfield, V: np.ndarray) -> float:
    """The energy of a single event, by a loop over all pairs of segments."""
    r, phi, z = batch.x.double().numpy().T
    place = np.stack([r * np.cos(np.pi * phi), r * np.sin(np.pi * phi), z], 1)
    ends = batch.edge_index.T.tolist()
    energy = 0.0
    for (a, (i, j)), (b, (k, m)) in permutations(enumerate(ends), 2):
        if j == k:
            d, e = place[j] - place[i], place[m] - place[k]
            cosine = d @ e / np.linalg.norm(d) / np.linalg.norm(e)
            if cosine > model.cut:
                energy -= cosine**model.power / (np.linalg.norm(d) + np.linalg.norm(e)) * V[a] * V[b]
        energy += model.alpha / 2 * ((i == k) + (j == m)) * V[a] * V[b]
    n = len(batch.x)
    return energy + model.beta / 2 * ((V.sum() - n) ** 2 - (V**2).sum() + V.sum())


@pytest.mark.parametrize("beta", [0.0, 0.03])
def test_the_free_energy_falls_at_every_update(beta):
    batch, _ = hits(20)
    model = TrackHopfield(beta=beta, coolings=4, updates=6, n_node_features=3)
    steps = [(T, V.numpy()) for T, V in model.anneal(model.segments(batch))]
    energy = np.array([brute_force(batch, model, V) for _, V in steps])
    entropy = np.array([-0.5 * (V * np.log(V) + (1 - V) * np.log1p(-V)).sum() for _, V in steps])
    T = np.array([T for T, _ in steps])[1:]  # of each update
    change = np.diff(energy) - T * np.diff(entropy)
    assert (change <= 1e-9 * abs(energy[1:])).all()
    assert (change < -1e-6).sum() > 4


def test_the_field_is_the_slope_of_the_energy():
    batch, _ = hits(12)
    model = TrackHopfield(beta=0.2, n_node_features=3)
    segments = model.segments(batch)
    V = torch.rand(len(segments.inner), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, v = segments.field(V).numpy(), V.numpy()
    for a in range(0, len(v), 7):
        up, down = v.copy(), v.copy()
        up[a], down[a] = 1, 0  # the energy is linear in each neuron
        assert np.isclose(brute_force(batch, model, down) - brute_force(batch, model, up), u[a], rtol=1e-9, atol=1e-9)


def test_settled_neurons_are_those_of_mean_field_theory():
    batch, _ = hits(30)
    model = TrackHopfield(temperatures=(5.0, 5.0), coolings=1, updates=500, n_node_features=3)
    segments = model.segments(batch)
    *_, (T, V) = model.anneal(segments)
    torch.testing.assert_close(V, (1 + torch.tanh(segments.field(V) / T)) / 2, atol=2e-3, rtol=0)


def test_tracks_are_found_without_training():
    batch, same = hits(200)
    found = TrackHopfield(n_node_features=3)(batch)[:, 0] > 0
    assert (found & same).sum() > 0.9 * same.sum()
    assert (found & same).sum() > 0.9 * found.sum()
    assert same.float().mean() < 0.75


def test_an_event_does_not_depend_on_its_batch():
    model = TrackHopfield(beta=0.01, n_node_features=3)
    both, _ = hits(40, 90)
    one, _ = hits(40)
    own = both.graph[both.edge_index[0]] == 0
    torch.testing.assert_close(model(both)[own], model(one), rtol=1e-5, atol=1e-5)


def test_a_graph_without_edges_has_no_outputs():
    batch = graph()
    batch.edge_index = batch.edge_index[:, :0]
    assert TrackHopfield(n_node_features=3)(batch).shape == (0, 1)


def test_its_shape_is_known_without_numbers():
    assert TrackHopfield(n_node_features=3)(graph(edges=80).to("meta")).shape == (80, 1)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"alpha": -1.0}, r"model.alpha must be >= 0 and < 1e6, got -1.0"),
        ({"cut": 1.0}, r"model.cut must be >= 0 and < 1, got 1.0"),
        (
            {"temperatures": (1.0, 2.0)},
            r"two numbers .* not above the first, got \[1.0, 2.0\]",
        ),
        ({"coolings": 0}, r"model.coolings must be from 1 to 100000, got 0"),
        ({"start": 1.0}, r"model.start must be > 0 and < 1, got 1.0"),
        ({"n_node_features": 7}, r"model=track_hopfield needs hits with r, phi and z, as data=trackml has them"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        TrackHopfield(**{"n_node_features": 3, **keys})


def test_too_many_pairs_of_segments_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr("hepexp.memory.total", lambda: 1000)
    batch, _ = hits(30)
    with pytest.raises(ConfigError, match=r"edges, of which \S+ pairs meet in a hit, needs .*: choose fewer"):
        TrackHopfield(n_node_features=3)(batch)
