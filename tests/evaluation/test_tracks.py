"""Tracks by hand: what edges connect, what DBSCAN makes of them, and who is found."""

import numpy as np

from hepexp.evaluation.evaluators.tracks import _auc
from hepexp.evaluation.tracks import COUNTS, connected, count_tracks, dbscan, in_graph, segments


def same(a, b) -> bool:
    """Whether two partitions agree."""
    return ((a[:, None] == a) == (np.asarray(b)[:, None] == np.asarray(b))).all()


def test_dbscan_with_one_point_connects_edges_with_a_score_of_one_minus_eps():
    random = np.random.default_rng(0)
    edges, score = random.integers(0, 60, (2, 80)), random.random(80)
    edges, score = edges[:, edges[0] != edges[1]], score[edges[0] != edges[1]]
    edges, first = np.unique(np.sort(edges, 0), axis=1, return_index=True)
    score = score[first]
    assert same(dbscan(60, edges, score, 0.4, 1), connected(60, edges[:, 1 - score <= 0.4]))


def test_hits_that_dbscan_calls_noise_are_alone():
    edges = np.array([[0, 1, 2], [1, 2, 3]])
    assert same(dbscan(6, edges, np.array([0.9, 0.9, 0.9]), 0.4, 3), [0, 0, 0, 0, 1, 2])


def test_particles_and_tracks_are_counted_as_defined():
    #        a whole track | most of one, with a foreign hit | one in two halves | noise, and a short or soft particle
    particle = np.array([0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 6, 6, 6])
    track = np.array([0, 0, 0, 1, 1, 1, 1, 9, 1, 3, 3, 3, 4, 4, 4, 5, 6, 6, 7, 7, 7])
    pt = np.array([2.0, 1.2, 4.0, 1.7, 0.0, 3.0, 0.3])[particle]
    by_pt, by_eta = count_tracks(track, particle, pt, np.zeros(len(pt)), 1.0)
    expected = {"particles": 3, "perfect": 1, "double_majority": 2, "tracks": 4, "lhc": 4}
    assert dict(zip(COUNTS, by_pt.sum(1).tolist(), strict=True)) == expected
    assert (by_eta.sum(1) == by_pt.sum(1)).all()


def test_segments_follow_a_particle_outwards_from_layer_to_layer():
    particle, layer = np.array([0, 0, 0, 1, 0]), np.array([2, 0, 1, 1, 1])
    distance = np.array([3.0, 1.0, 2.0, 2.0, 2.1])
    found = segments(particle, layer, distance, np.array([True] * 5))
    assert set(map(tuple, found.T.tolist())) == {(1, 2), (4, 0)}  # not between the two hits of one layer
    assert in_graph(found, np.array([[2, 3], [1, 4]]), 5) == 1


def test_the_area_is_that_of_pairs():
    random = np.random.default_rng(1)
    counts = random.integers(0, 5, (2, 10)).astype(float)
    below = sum(counts[0, i] * counts[1, j] * (1 if i < j else 0.5 * (i == j)) for i in range(10) for j in range(10))
    np.testing.assert_allclose(_auc(counts), below / counts[0].sum() / counts[1].sum())
