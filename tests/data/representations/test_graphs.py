"""Graphs: neighbours are the nearest, pairs are all of them, and edges stay within a jet."""

import itertools

import numpy as np
import pytest
import torch

from hepexp.batch import GraphBatch
from hepexp.data.physics.kinematics import sums
from hepexp.data.representations.edges import all_pairs, edges_to, nearest
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.store.images import from_dense
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import ConfigError
from tests.data.small import cone, qg_images, represented, with_momenta


def graph(jets: Ragged, **keys) -> GraphBatch:
    return represented(ParticleGraph(**keys), with_momenta(jets))


@pytest.mark.parametrize("k", [1, 3, 40])
def test_nearest_is_brute_force(k: int):
    random, offsets = np.random.default_rng(0), offsets_of(np.array([5, 1, 2, 30, 4]))
    place = random.normal(size=(offsets[-1], 2))
    found = nearest(place, offsets, k)
    for start, stop in itertools.pairwise(offsets):
        inside = place[start:stop]
        distance = np.linalg.norm(inside[:, None] - inside, axis=2)
        np.fill_diagonal(distance, np.inf)
        expected = np.argsort(distance, axis=1)[:, : min(k, stop - start - 1)]
        padded = np.full((stop - start, k), -1)
        padded[:, : expected.shape[1]] = expected
        np.testing.assert_array_equal(found[start:stop], padded)


def test_nodes_at_the_same_place_are_neighbours_of_each_other_and_not_of_themselves():
    found = nearest(np.zeros((6, 2)), np.array([0, 6]), 3)
    assert (found >= 0).all()
    assert (found != np.arange(6)[:, None]).all()
    assert all(len(set(row)) == 3 for row in found.tolist())


def test_all_pairs_are_n_times_n_minus_one_edges_within_each_graph():
    jets = cone(20)
    edges = all_pairs(jets)
    assert edges.shape == (2, (jets.counts * (jets.counts - 1)).sum())
    jet = np.repeat(np.arange(20), jets.counts)
    np.testing.assert_array_equal(jet[edges[0]], jet[edges[1]])
    assert (edges[0] != edges[1]).all()
    assert len(np.unique(edges, axis=1).T) == edges.shape[1]


def test_edges_run_from_the_neighbour_to_its_node():
    jets = cone(15)
    near = nearest(np.stack([jets["y"], jets["phi"]], axis=1), jets.offsets, 4)
    source, target = edges_to(near, jets)
    expected = [
        (start + other, start + node)
        for start, stop in zip(jets.offsets, jets.offsets[1:], strict=False)
        for node in range(stop - start)
        for other in near[start + node]
        if other >= 0
    ]
    assert sorted(zip(source.tolist(), target.tolist(), strict=True)) == sorted(expected)


@pytest.mark.parametrize("keys", [{"edges": "nearest", "k": 5}, {"edges": "all"}])
def test_a_boost_along_the_beam_changes_energies_alone_and_a_turn_nothing(keys: dict):
    jets = cone(40)
    before = graph(jets, **keys)
    for dy, dphi, same in ((0.0, 2.9, range(8)), (1.3, 0.0, (0, 1, 2, 4, 6, 7))):
        columns = {"pt": jets["pt"], "y": jets["y"] + dy, "phi": jets["phi"] + dphi}
        after = graph(Ragged(jets.label, jets.offsets, columns), **keys)
        assert torch.equal(before.edge_index, after.edge_index)
        torch.testing.assert_close(before.x[:, same], after.x[:, same], rtol=1e-4, atol=1e-5)


def test_node_features_are_the_logarithms_and_shares_they_are_named():
    jets = cone(20)
    examples, x = with_momenta(jets), graph(jets).x.numpy()
    energy = examples["p4"][:, 0]
    of_jet = [np.repeat(sums(values, jets), jets.counts) for values in (jets["pt"], energy)]
    np.testing.assert_allclose(np.exp(x[:, 2]), jets["pt"], rtol=1e-5)
    np.testing.assert_allclose(np.exp(x[:, 3]), energy, rtol=1e-5)
    np.testing.assert_allclose(np.exp(x[:, 4]), jets["pt"] / of_jet[0], rtol=1e-5)
    np.testing.assert_allclose(np.exp(x[:, 5]), energy / of_jet[1], rtol=1e-5)
    np.testing.assert_allclose(x[:, 6], np.hypot(x[:, 0], x[:, 1]), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(x[:, 7:], examples["scalars"])


def test_nodes_of_momenta_are_pt_y_phi_m_and_the_four_momentum_with_mean_zero_and_variance_one():
    examples = with_momenta(cone(60), mass=0.14)
    form = ParticleGraph(edges="all", nodes="momentum")
    prepared = form.prepare(examples)
    pt, y, phi, mass, *p4 = prepared["x"].T
    for found, expected in ((pt, "pt"), (y, "y")):
        np.testing.assert_allclose(found, cone(60)[expected], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.cos(phi), np.cos(cone(60)["phi"]), atol=1e-6)
    np.testing.assert_allclose(mass, 0.14, rtol=1e-4)
    np.testing.assert_allclose(np.stack(p4, 1), examples["p4"], rtol=1e-6)
    x = represented(form, examples).x.double()
    assert x.shape == (len(pt), 8)
    torch.testing.assert_close(x.mean(0), torch.zeros(8, dtype=torch.float64), atol=1e-5, rtol=0)
    varied = [0, 1, 2, 4, 5, 6, 7]  # all masses are equal
    torch.testing.assert_close(x[:, varied].var(0, correction=0), torch.ones(7, dtype=torch.float64), atol=1e-4, rtol=0)

    another = ParticleGraph(edges="all", nodes="momentum")
    another.load_state(form.state())
    np.testing.assert_array_equal(another.mean, form.mean)
    np.testing.assert_array_equal(another.std, form.std)
    assert not ParticleGraph().state()  # checkpoints of former runs have none


@pytest.mark.parametrize("edges", ["nearest", "all"])
def test_jets_of_one_particle_have_a_node_and_no_edges(edges: str):
    batch = graph(cone(5, most=1), edges=edges)
    assert batch.edge_index.shape == (2, 0)
    assert batch.edge_index.dtype == torch.int64
    assert batch.graph.tolist() == list(range(5))
    assert batch.x.isfinite().all()


def test_a_particle_along_the_beam_has_finite_features():
    jets = with_momenta(cone(3, fewest=2))
    jets["p4"][0] = [5, 0, 0, 5]
    assert represented(ParticleGraph(), jets).x.isfinite().all()


# ---- pixels


def test_pixel_nodes_are_the_values_over_their_spread():
    images = qg_images(10)
    batch = represented(PixelGraph(k=8).of_shape((3, 125, 125)), images)
    np.testing.assert_allclose(batch.x.std(0, correction=0), 1, rtol=1e-5)
    dense = np.zeros((10, 3, 125, 125), np.float32)
    dense.reshape(10, -1)[np.repeat(np.arange(10), images.counts), images["position"]] = images["value"]
    lit = (dense != 0).any(1)
    np.testing.assert_array_equal(np.bincount(batch.graph), lit.sum((1, 2)))
    raw = dense.transpose(0, 2, 3, 1)[lit]
    np.testing.assert_allclose(batch.x, raw / raw.astype(np.float64).std(0), rtol=1e-5)


def test_pixel_positions_are_in_units_of_the_image():
    dense = np.zeros((1, 1, 10, 20), np.float32)
    dense[0, 0, 0, 0], dense[0, 0, 5, 10], dense[0, 0, 9, 19] = 1, 2, 3
    batch = represented(PixelGraph(positions=True).of_shape((1, 10, 20)), from_dense(np.zeros(1), dense))
    np.testing.assert_allclose(batch.x[:, 1:], [[-0.5, -0.5], [0, 0], [0.4, 0.45]], atol=1e-6)


def test_the_brightest_pixels_are_kept():
    images = qg_images(10)
    representation, whole = PixelGraph(n_nodes=20).of_shape((3, 125, 125)), PixelGraph().of_shape((3, 125, 125))
    few, every = representation.encode(images), whole.encode(images)
    assert (few.counts == 20).all()
    for i in range(10):
        expected = np.sort(every.take([i])["value"].sum(1))[-20:]
        np.testing.assert_array_equal(np.sort(few.take([i])["value"].sum(1)), expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ParticleGraph(edges="some"), "dataset.graph.edges must be nearest, all, given or null, got 'some'"),
        (lambda: ParticleGraph(nodes="pt"), "dataset.graph.nodes must be relative or momentum, got 'pt'"),
        (lambda: ParticleGraph(k=0), "dataset.graph.k must be from 1 to 1,000, got 0"),
        (lambda: PixelGraph(k=10**9), "dataset.graph.k must be from 1 to 1,000, got 1000000000"),
        (lambda: PixelGraph(n_nodes=0), "dataset.graph.n_nodes must be >= 1, got 0"),
    ],
)
def test_what_is_no_graph_is_refused(make, message: str):
    with pytest.raises(ConfigError, match=message):
        make()
