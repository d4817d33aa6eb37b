"""Squared matrix elements of gluons per second: ours vs a straightforward loop over orderings and helicities."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import product
from statistics import median

import torch
from torch import Tensor

from hepexp.physics.colour import colour_matrix, orderings
from hepexp.physics.gluons import gluons_squared
from hepexp.physics.parke_taylor import five_gluons_squared
from hepexp.physics.phase_space import PhaseSpace
from hepexp.physics.spinors import linear_polarisations
from hepexp.physics.vectors import all_outgoing

ENERGY = 1000.0  # GeV
ROUNDS = 3
EVENTS = {4: (4000, 20), 5: (1000, 4), 6: (100, 1)}  # of a round, ours and those of the loop


def rows() -> list[dict]:
    """Rates of each, measured alternately on one thread: medians over rounds."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [row for n in EVENTS for row in _rows_of(n)]
    finally:
        torch.set_num_threads(threads)


def _rows_of(n: int) -> list[dict]:
    ours, few = EVENTS[n]
    space = PhaseSpace(ENERGY, [0.0] * (n - 2))
    generator = torch.Generator().manual_seed(0)
    p = all_outgoing(ENERGY, space(torch.rand(ours, space.n_dims, dtype=torch.float64, generator=generator))[0])
    implementations: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
        "hepexp": (gluons_squared, p),
        "python-loop": (by_loop, p[:few]),
    }
    if n == 5:
        implementations["closed form"] = (five_gluons_squared, p)
    exact = gluons_squared(p[:few])
    difference = {name: (of(p[:few]) / exact - 1).abs().max().item() for name, (of, _) in implementations.items()}
    rates: dict[str, list[float]] = {name: [] for name in implementations}
    for _ in range(ROUNDS):
        for name, (of, events) in implementations.items():
            start = time.perf_counter()
            of(events)
            rates[name].append(len(events) / (time.perf_counter() - start))
    return [
        {
            "case": f"gg -> {n - 2}g, Parke and Taylor" if of is five_gluons_squared else f"gg -> {n - 2}g",
            "implementation": name,
            "per_second": median(rates[name]),
            "difference": difference[name],
        }
        for name, (of, _) in implementations.items()
    ]


def by_loop(p: Tensor) -> Tensor:
    """|M|^2 (B,) one event, ordering and polarisation at a time; each current of an ordering is computed once."""
    n = p.shape[1]
    matrix = colour_matrix(n).tolist()
    found = []
    for event, vectors in zip(p.tolist(), linear_polarisations(p).tolist(), strict=True):
        total = 0.0
        for choice in product((0, 1), repeat=n):
            chosen = [vectors[k][choice[k]] for k in range(n)]
            a = [_amplitude([event[k] for k in word], [chosen[k] for k in word]) for word in orderings(n)]
            total += sum(a[s] * sum(c * b for c, b in zip(row, a, strict=True)) for s, row in enumerate(matrix))
        found.append(total / 256)
    return torch.tensor(found, dtype=torch.float64)


def _amplitude(p: list[list[float]], e: list[list[float]]) -> float:
    """The colour-ordered amplitude of gluons in this order, by the recursion of Berends and Giele."""
    n = len(p) - 1
    J = {(i, i + 1): e[i] for i in range(n)}
    P = {(i, j): [sum(one[k] for one in p[i:j]) for k in range(4)] for i in range(n) for j in range(i + 1, n + 1)}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j, total = i + length, [0.0] * 4
            for k in range(i + 1, j):
                A, B, P_A, P_B = J[i, k], J[k, j], P[i, k], P[k, j]
                a, b, ab = 2 * _dot(P_B, A), 2 * _dot(P_A, B), _dot(A, B)
                for m in range(4):
                    total[m] += (a * B[m] - b * A[m] + (P_A[m] - P_B[m]) * ab) / math.sqrt(2)
                for last in range(k + 1, j):
                    A, B, C = J[i, k], J[k, last], J[last, j]
                    ab, ac, bc = _dot(A, B), _dot(A, C), _dot(B, C)
                    for m in range(4):
                        total[m] += ac * B[m] - (ab * C[m] + bc * A[m]) / 2
            square = _dot(P[i, j], P[i, j]) if length < n else 1.0
            J[i, j] = [one / square for one in total]
    return _dot(J[0, n], e[n])


def _dot(a: list[float], b: list[float]) -> float:
    return a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3]
