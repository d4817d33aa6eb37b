"""Edges of graphs: nearest neighbours in a plane, all pairs, or those that the data have."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hepexp.data.store.ragged import ENDS, Ragged, offsets_of
from hepexp.errors import ConfigError

MOST_NEIGHBOURS = 1000


def check_k(k: int) -> None:
    """Raise ConfigError for a number of neighbours below 1, or far above the number of nodes of an example."""
    if not 1 <= k <= MOST_NEIGHBOURS:
        raise ConfigError(
            f"dataset.graph.k must be from 1 to {MOST_NEIGHBOURS:,}, got {k}; a jet has a few hundred particles at most"
        )


def nearest(place: NDArray[np.floating], offsets: NDArray[np.integer], k: int) -> NDArray[np.int32]:
    """The k nearest other nodes of each node, within its graph.

    Parameters
    ----------
    place : coordinates (m, D).
    offsets : (n + 1,) of the graphs.
    k : number of neighbours; in a graph of fewer than k + 1 nodes, a node has as many as there are.

    Returns
    -------
    (m, k) positions within the graph, -1 where there is no further neighbour; ties are broken arbitrarily.
    """
    found = np.full((len(place), k), -1, np.int32)
    for start, stop in pairwise(offsets):
        n = min(k, stop - start - 1)
        if n < 1:
            continue
        _, near = cKDTree(place[start:stop]).query(place[start:stop], k=n + 1)
        # a node is usually its own first neighbour, but not if others are at the same position
        other = near != np.arange(stop - start)[:, None]
        other[other.all(1), -1] = False
        found[start:stop, :n] = near[other].reshape(-1, n)
    return found


def edges_to(neighbours: NDArray[np.int32], graphs: Ragged) -> NDArray[np.int64]:
    """Edges (2, E) from each neighbour to its node, in the disjoint union of the graphs, from `nearest`'s output."""
    m, k = neighbours.shape
    edges = np.empty((2, m, k), np.int64)
    np.add(neighbours, np.repeat(graphs.offsets[:-1], graphs.counts)[:, None], out=edges[0])
    edges[1] = np.arange(m)[:, None]
    real = neighbours >= 0
    return edges.reshape(2, m * k) if real.all() else edges[:, real]


def all_pairs(graphs: Ragged) -> NDArray[np.int64]:
    """Edges (2, E) between all pairs of distinct nodes of each graph, in the disjoint union of the graphs."""
    counts = graphs.counts
    degree = np.repeat(counts, counts)  # of each node, itself included
    target = np.repeat(np.arange(len(degree)), degree)
    ends = np.cumsum(degree)
    source = np.arange(len(target)) - np.repeat(ends - degree, degree) + np.repeat(graphs.offsets[:-1], counts**2)
    return np.stack([source, target])[:, source != target]


def given(graphs: Ragged, directed: bool) -> Ragged:
    """The edges of graphs, without those from a node to itself, which convolutions add where they need them.

    Parameters
    ----------
    directed : whether they stay as they are; otherwise each pair of nodes with an edge gets one in either direction,
        with the larger one of the values in further columns.
    """
    edges = graphs.given_edges
    edges = edges.keep(edges["source"] != edges["target"])
    if directed:
        return edges
    source, target = (edges[end].astype(np.int64) for end in ENDS)
    n = int(graphs.counts.max(initial=1))
    first = np.repeat(np.arange(len(graphs)) * n * n, edges.counts)
    distinct, which = np.unique(
        np.concatenate([first + target * n + source, first + source * n + target]), return_inverse=True
    )
    graph, pair = np.divmod(distinct, n * n)
    columns = {"source": (pair % n).astype(np.int32), "target": (pair // n).astype(np.int32)}
    for name, column in edges.elements.items():
        if name not in ENDS:
            columns[name] = np.full(len(distinct), column.min(initial=0), column.dtype)
            np.maximum.at(columns[name], which, np.tile(column, 2))
    return Ragged(graphs.label, offsets_of(np.bincount(graph, minlength=len(graphs))), columns)


def in_union(graphs: Ragged) -> NDArray[np.int64]:
    """The edges (2, E) of graphs in the disjoint union of these."""
    edges = graphs.given_edges
    first = np.repeat(graphs.offsets[:-1], edges.counts)
    return np.stack([edges[end] + first for end in ENDS])
