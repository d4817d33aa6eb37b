"""Energy flow polynomials: sums over the particles of a jet of products of pT shares and angles, one for each graph.

    EFP_G = sum_{i_1 ... i_N} z_{i_1} ... z_{i_N} prod_{(k, l) in G} theta_{i_k i_l},
    theta_ij = sqrt((eta_i - eta_j)^2 + (phi_i - phi_j)^2)

References
----------
P. Komiske, E. Metodiev, J. Thaler, arXiv:1712.07124.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations, combinations_with_replacement, permutations
from math import prod

import numpy as np
from numpy.typing import NDArray

Graph = tuple[tuple[int, int], ...]  # edges between vertices that are numbered from 0; an edge may be there twice
_JETS_AT_ONCE = 1000


@cache
def connected_graphs(n_edges: int) -> tuple[Graph, ...]:
    """All connected multigraphs without loops that have so many edges, one for each isomorphism class.

    There are 1, 2, 5 and 12 with 1 to 4 edges.
    """
    found: dict[Graph, None] = {}
    for n in range(2, n_edges + 2):
        for edges in combinations_with_replacement(tuple(combinations(range(n), 2)), n_edges):
            if {vertex for edge in edges for vertex in edge} == set(range(n)) and _is_connected(edges, n):
                found.setdefault(_canonical(edges, n))
    return tuple(found)


@cache
def graphs_up_to(n_edges: int) -> tuple[tuple[Graph, ...], ...]:
    """All multigraphs without loops and isolated vertices, by their connected parts; the first is a single vertex.

    There are 36 with up to 4 edges.
    """
    parts = [graph for d in range(1, n_edges + 1) for graph in connected_graphs(d)]
    chosen = [
        some
        for k in range(1, n_edges + 1)
        for some in combinations_with_replacement(parts, k)
        if sum(map(len, some)) <= n_edges
    ]
    return ((),), *sorted(chosen, key=lambda some: (sum(map(len, some)), len(some)))


def energy_flow(z: NDArray, eta: NDArray, phi: NDArray, graphs: tuple[Graph, ...]) -> NDArray[np.float64]:
    """The polynomials (n, G) of connected graphs; that of an empty graph is the sum of z.

    Parameters
    ----------
    z, eta, phi : (n, N) of the particles, with z = 0 for padding.
    """
    starts = range(0, max(len(z), 1), _JETS_AT_ONCE)
    slices = [slice(start, start + _JETS_AT_ONCE) for start in starts]
    parts = [_of_some(z[some], eta[some], phi[some], graphs) for some in slices]
    return np.concatenate(parts)


def products(values: Mapping[Graph, NDArray], graphs: tuple[tuple[Graph, ...], ...]) -> NDArray[np.float64]:
    """The polynomials (n, G) of graphs, from those of their connected parts."""
    return np.stack([prod(values[part] for part in parts) for parts in graphs], axis=1)


def _of_some(z: NDArray, eta: NDArray, phi: NDArray, graphs: tuple[Graph, ...]) -> NDArray[np.float64]:
    theta = np.hypot(eta[:, :, None] - eta[:, None, :], phi[:, :, None] - phi[:, None, :])
    power = {1: theta}
    for k in range(2, max((_most_parallel(graph) for graph in graphs), default=1) + 1):
        power[k] = power[k - 1] * theta
    return np.stack([_contracted(z, power, graph) for graph in graphs], axis=1)


def _contracted(z: NDArray, power: dict[int, NDArray], graph: Graph) -> NDArray[np.float64]:
    if not graph:
        return z.sum(1)
    letters, vertices = "abcdefgh", sorted({vertex for edge in graph for vertex in edge})
    parallel = {edge: graph.count(edge) for edge in graph}
    terms = [f"...{letters[vertex]}" for vertex in vertices]
    terms += [f"...{letters[i]}{letters[j]}" for i, j in parallel]
    factors = [z] * len(vertices) + [power[k] for k in parallel.values()]
    return np.einsum(f"{','.join(terms)}->...", *factors, optimize=_order(len(vertices), tuple(parallel)))


@cache
def _order(n_vertices: int, edges: Graph) -> list:
    """In which order the factors of a graph are contracted, as found for 30 particles."""
    letters = "abcdefgh"
    terms = [letters[vertex] for vertex in range(n_vertices)] + [f"{letters[i]}{letters[j]}" for i, j in edges]
    sizes = [np.empty(len(term) * (30,)) for term in terms]
    return np.einsum_path(f"{','.join(terms)}->", *sizes, optimize="greedy")[0]


def _most_parallel(graph: Graph) -> int:
    return max((graph.count(edge) for edge in graph), default=1)


def _is_connected(edges: Graph, n: int) -> bool:
    reached = {0}
    for _ in range(n):
        reached |= {vertex for edge in edges if reached & set(edge) for vertex in edge}
    return len(reached) == n


def _canonical(edges: Graph, n: int) -> Graph:
    """The smallest list of edges over all numberings of the vertices."""
    return min(_renumbered(edges, order) for order in permutations(range(n)))


def _renumbered(edges: Graph, order: tuple[int, ...]) -> Graph:
    numbered = ((order[i], order[j]) for i, j in edges)
    return tuple(sorted((min(i, j), max(i, j)) for i, j in numbered))


def of_vertices(graphs: tuple[Graph, ...], n: int) -> Iterator[Graph]:
    """Those graphs that have n vertices."""
    return (graph for graph in graphs if len({vertex for edge in graph for vertex in edge}) == n)
