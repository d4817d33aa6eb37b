"""Tracks from edges between hits, and how many particles of an event they find."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import connected_components

PT_EDGES = np.array([0.0, 0.5, 0.75, 1, 1.5, 2, 3, 5, np.inf])  # GeV
ETA_EDGES = np.array([-np.inf, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, np.inf])
COUNTS = ("particles", "perfect", "double_majority", "tracks", "lhc")  # rows of what `count_tracks` returns
LEAST_HITS = 3  # of a particle and of a track that count
Edges = NDArray[np.int64]


def connected(n: int, edges: Edges) -> NDArray[np.int64]:
    """The track (n,) of each hit: what edges (2, E) connect."""
    graph = coo_array((np.ones(edges.shape[1], bool), (edges[0], edges[1])), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def dbscan(n: int, edges: Edges, score: NDArray[np.floating], eps: float, min_points: int) -> NDArray[np.int64]:
    """The track (n,) of each hit by DBSCAN with distances 1 - score along edges; what it calls noise is alone.

    With min_points = 1 tracks are what edges with score >= 1 - eps connect.

    References
    ----------
    M. Ester et al., "A density-based algorithm for discovering clusters", KDD (1996) 226; arXiv:2103.16701, section 5.
    """
    from sklearn.cluster import DBSCAN  # takes a second to import

    near = 1 - score <= eps
    ends, distance = edges[:, near], np.maximum(1 - score[near].astype(np.float64), 0)
    both = np.concatenate([ends, ends[::-1]], axis=1)
    graph = csr_matrix((np.tile(distance, 2), (both[0], both[1])), shape=(n, n))
    found = DBSCAN(eps=eps, min_samples=min_points, metric="precomputed").fit_predict(graph).astype(np.int64)
    alone = found < 0
    found[alone] = found.max(initial=-1) + 1 + np.arange(alone.sum())
    return found


def count_tracks(
    track: NDArray[np.int64], particle: NDArray[np.int64], pt: NDArray, eta: NDArray, pt_min: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The COUNTS of an event, (5, 8) in bins of pT and (5, 14) in bins of eta.

    Particles have at least three hits and pT > pt_min. One is found perfectly if a track has all its hits and no
    others; by double majority if more than half of the hits of a track are its own and these are more than half of its
    hits. Tracks have at least three hits, most of them of a particle with pT > pt_min; one is right in the sense of LHC
    if more than 75 % of its hits are of one particle.

    Parameters
    ----------
    track, particle : (m,) numbers for each hit.
    pt, eta : (m,) of the particle, pT = 0 for noise.
    """
    _, first, particle, of_particle = np.unique(particle, return_index=True, return_inverse=True, return_counts=True)
    _, track, of_track = np.unique(track, return_inverse=True, return_counts=True)
    pt, eta = pt[first], eta[first]
    pair, common = np.unique(track * len(pt) + particle, return_counts=True)
    t, p = np.divmod(pair, len(pt))
    high = pt > pt_min
    counts = high & (of_particle >= LEAST_HITS)
    perfect, double = np.zeros(len(pt), bool), np.zeros(len(pt), bool)
    perfect[p[(common == of_track[t]) & (common == of_particle[p])]] = True
    double[p[(2 * common > of_track[t]) & (2 * common > of_particle[p])]] = True
    order = np.lexsort((common, t))
    last = order[np.append(np.flatnonzero(np.diff(t[order])), len(order) - 1)] if len(order) else order  # majorities
    owner, share = p[last], common[last] / of_track[t[last]]
    is_track = (of_track[t[last]] >= LEAST_HITS) & high[owner]
    chosen = [
        np.flatnonzero(counts),
        np.flatnonzero(counts & perfect),
        np.flatnonzero(counts & double),
        owner[is_track],
        owner[is_track & (share > 0.75)],
    ]
    by_pt, by_eta = (
        np.stack([np.histogram(values[rows], edges)[0] for rows in chosen])
        for values, edges in ((pt, PT_EDGES), (eta, ETA_EDGES))
    )
    return by_pt.astype(np.int64), by_eta.astype(np.int64)


def segments(
    particle: NDArray[np.int64], layer: NDArray[np.integer], distance: NDArray[np.floating], of: NDArray[np.bool_]
) -> Edges:
    """Pairs (2, k) of hits that follow each other on a particle, on different layers, outwards by distance (m,).

    Parameters
    ----------
    of : (m,) hits of particles that count.
    """
    order = np.lexsort((distance, particle))
    a, b = order[:-1], order[1:]
    kept = (particle[a] == particle[b]) & (layer[a] != layer[b]) & of[a]
    return np.stack([a[kept], b[kept]])


def in_graph(pairs: Edges, edges: Edges, n: int) -> int:
    """How many pairs (2, k) of n hits have an edge (2, E), in either direction."""
    codes = [ends.min(0) * n + ends.max(0) for ends in (pairs, edges)]
    return int(np.isin(*codes).sum())
