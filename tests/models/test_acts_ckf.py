"""ACTS's Kalman filter finds separate muons wholly, gives each hit one track, and says what it cannot read."""

import numpy as np
import pytest
import torch

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError, DataError
from hepexp.evaluation.tracks import count_tracks
from hepexp.losses.track_edges import TrackEdges
from hepexp.models.acts_ckf import ActsCKF
from hepexp.simulation import generic_detector
from hepexp.simulation.pixel_layers import PIXEL_LAYERS
from tests.models.test_interaction_network import graph


def batch_of(*places: np.ndarray) -> GraphBatch:
    """Events with hits there (m, 3), in mm, without edges."""
    x = [
        np.stack([np.hypot(p[:, 0], p[:, 1]) / 1000, np.arctan2(p[:, 1], p[:, 0]) / np.pi, p[:, 2] / 1000], 1)
        for p in places
    ]
    event = np.repeat(np.arange(len(places)), [len(p) for p in places])
    zero = torch.zeros(len(places), dtype=torch.int64)
    return GraphBatch(
        zero,
        zero,
        torch.zeros(len(places), 0),
        x=torch.from_numpy(np.concatenate(x).astype(np.float32)),
        edge_index=torch.zeros(2, 0, dtype=torch.int64),
        graph=torch.from_numpy(event),
    )


def muons(n: int, pt: float, seed: int) -> generic_detector.Hits:
    """Hits of muons from the beam line, evenly in azimuth, |eta| < 2."""
    from hepexp.simulation.fatras import simulate

    random = np.random.default_rng(seed)
    phi, eta = np.linspace(-np.pi, np.pi, n, endpoint=False), random.uniform(-2, 2, n)
    origin = np.stack([np.zeros(n), np.zeros(n), random.normal(0, 50, n)], 1)
    momentum = pt * np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], 1)
    charge = np.where(np.arange(n) % 2, 1, -1)
    given = generic_detector.Particles(-13 * charge, charge, np.full(n, 0.10566), origin, momentum)
    found: list[generic_detector.Hits] = []
    simulate(
        generic_detector.generic_detector(PIXEL_LAYERS),
        1,
        seed,
        lambda event: given,
        lambda event, hits: found.append(hits),
    )
    return found[0]


def test_separate_muons_are_found_with_all_their_hits():
    """Of 2 GeV, in two events of one batch, with the hits of each in random order."""
    pytest.importorskip("acts")
    random, events = np.random.default_rng(1), [muons(30, 2.0, seed) for seed in (1, 2)]
    orders = [random.permutation(len(hits.module)) for hits in events]
    batch = batch_of(*(hits.place[order] for hits, order in zip(events, orders, strict=True)))
    track = ActsCKF(n_node_features=3).tracks(batch).numpy()
    particles = perfect = 0
    for event, (hits, order) in enumerate(zip(events, orders, strict=True)):
        own, particle = batch.graph.numpy() == event, hits.particle[order]
        pt, eta = (np.full(len(order), value) for value in (2.0, 0.0))
        counts = count_tracks(track[own], particle, pt, eta, 1.0)[0].sum(1)
        particles, perfect = particles + counts[0], perfect + counts[1]
    assert not set(track[batch.graph == 0]) & set(track[batch.graph == 1])
    assert particles > 50
    assert perfect > 0.9 * particles


def test_edges_on_a_track_have_a_positive_score_and_the_loss_judges_the_tracks():
    pytest.importorskip("acts")
    hits = muons(20, 2.0, 3)
    batch, model = batch_of(hits.place), ActsCKF(n_node_features=3)
    layer = generic_detector.generic_detector(PIXEL_LAYERS).modules.layer[hits.module]
    inner, outer = np.nonzero(layer[:, None] + 1 == layer)
    batch.edge_index = torch.from_numpy(np.stack([inner, outer]))
    track, same = model.tracks(batch).numpy(), hits.particle[inner] == hits.particle[outer]
    score = model(batch)[:, 0].numpy()
    np.testing.assert_array_equal(score > 0, track[inner] == track[outer])
    assert ((score > 0) == same).mean() > 0.98
    batch.element_group = torch.from_numpy(hits.particle)[:, None]
    batch.element_target = torch.from_numpy(np.stack([np.full(len(layer), 2.0), np.zeros(len(layer)), layer], 1))
    loss = TrackEdges().eval()
    figures = loss.evaluator.quick(
        {"index": np.zeros(1, int), **{name: one.numpy() for name, one in loss.terms(model, batch)[1].items()}}
    )
    assert figures["perfect_efficiency_own"] > 0.9
    np.testing.assert_array_equal(loss.outputs(model, batch)["element/track"].numpy(), track)


def test_tracks_are_found_once_for_scores_and_tracks_of_a_batch(monkeypatch):
    model = ActsCKF(n_node_features=3)
    events = [batch_of(np.array([[x, 0.0, 0.0], [0.0, x, 0.0]])) for x in (30.0, 40.0)]
    found: list[float] = []
    monkeypatch.setattr(model, "_find", lambda place: found.append(place.max()) or [[0, 1]])
    for event in events:
        event.edge_index = torch.tensor([[0], [1]])
    for event in (*events, events[0]):
        assert model(event).item() > 0
        assert model.tracks(event).tolist() == [0, 0]
    np.testing.assert_allclose(found, [30, 40, 30], rtol=1e-6)
    model(events[0])  # each call finds them again: its time is measured
    model(events[0])
    assert model.tracks(events[1]).tolist() == model.tracks(events[1]).tolist() == [0, 0]
    np.testing.assert_allclose(found[3:], [30, 30, 40, 40], rtol=1e-6)


def test_hits_on_no_module_are_one_line():
    pytest.importorskip("acts")
    with pytest.raises(DataError, match=r"1 of 1 hits of an event are on no module .* data.simulator=acts"):
        ActsCKF(n_node_features=3)(batch_of(np.array([[50.0, 0.0, 0.0]])))


def test_an_event_of_a_single_hit_has_no_track():
    pytest.importorskip("acts")
    hits = muons(1, 2.0, 1)
    assert ActsCKF(n_node_features=3).tracks(batch_of(hits.place[:1])).tolist() == [0]


def test_what_is_missing_is_said_with_its_extra(monkeypatch):
    monkeypatch.setattr(generic_detector, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pyacts is not installed; pip install 'hepexp\[acts\]'"):
        ActsCKF(n_node_features=3)(graph())


def test_its_shape_is_known_without_numbers():
    assert ActsCKF(n_node_features=3)(graph(edges=80).to("meta")).shape == (80, 1)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"pt_min": 0.0}, r"model.pt_min must be >= 0.05 and < 1000, in GeV, got 0.0"),
        ({"chi2": -1.0}, r"model.chi2 must be > 0 and < 1e6, got -1.0"),
        ({"least_hits": 2}, r"model.least_hits must be from 3 to 100, got 2"),
        ({"resolution": (0.01, 0.0)}, r"model.resolution must be two numbers .* got \[0.01, 0.0\]"),
        ({"n_node_features": 7}, r"model=acts_ckf needs hits with r, phi and z, as data=trackml has them"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        ActsCKF(**{"n_node_features": 3, **keys})
