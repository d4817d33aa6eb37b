"""Amplitudes of n <= 7 gluons at tree level, by the recursion of Berends and Giele.

The current of a sequence of gluons is shared by all orderings and all helicities that contain it: those of k gluons
are one tensor (sequences, 2^k, 4, B), whose second index is the polarisation of each gluon, in the order of the
sequence. Events come last, where they are contiguous. Couplings are 1.

References
----------
F. A. Berends and W. T. Giele, Nucl. Phys. B 306 (1988) 759.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.physics.colour import N, colour_matrix, orderings
from hepexp.physics.spinors import linear_polarisations

MOST = 7
AT_ONCE = 2**19  # components of the currents of one length that are held together


def amplitudes(p: Tensor, polarisations: Tensor) -> Tensor:
    """Colour-ordered amplitudes of all orderings of `colour.orderings(n)`, for all polarisations.

    Parameters
    ----------
    p : momenta (B, n, 4), massless, all outgoing: those of incoming gluons are negative.
    polarisations : vectors (B, n, 2, 4), real or complex.

    Returns
    -------
    ((n - 2)!, 2^n, B); the polarisation of the first gluon is the highest bit of the second index.

    Raises
    ------
    ConfigError : fewer than 4 or more than 7 gluons.
    """
    n = p.shape[1]
    _require_number(n)
    p, polarisations = p.permute(1, 2, 0), polarisations.permute(1, 2, 3, 0)
    currents, momenta = [polarisations[: n - 1]], [p[: n - 1]]  # of single gluons
    for step in _steps(n):
        momentum = p[step.members].sum(1)  # (S, 4, B)
        current = _current(currents, momenta, step)
        if step.members.shape[1] < n - 1:
            current = current / _dot(momentum, momentum)[:, None, None]
        currents.append(current)
        momenta.append(momentum)
    found = _dot(currents[-1][:, :, None], polarisations[n - 1])  # (S, 2^(n-1), 2, B), bits in the order of the word
    bits = found.unflatten(1, [2] * (n - 1))
    return torch.stack([bits[k].permute(*_argsort(word), n) for k, word in enumerate(orderings(n))]).flatten(1, n)


def gluons_squared(p: Tensor) -> Tensor:
    """|M|^2 (B,) of g g -> (n - 2) g, averaged over initial spins and colours and summed over final ones, exact in N.

    Identical gluons get no factor. In units of g^(2n-4) GeV^(8-2n).

    Parameters
    ----------
    p : momenta (B, n, 4), all outgoing; the first two are those of the incoming gluons with a minus sign.
    """
    n = p.shape[1]
    _require_number(n)
    at_once = max(AT_ONCE // (4 * 2 ** (n - 1) * math.factorial(n - 2)), 16)
    return torch.cat([_squared(some) for some in p.split(at_once)]) if len(p) else p.new_zeros(0)


def _squared(p: Tensor) -> Tensor:
    n = p.shape[1]
    found = amplitudes(p, linear_polarisations(p)).flatten(1)  # (S, 2^n B)
    products = colour_matrix(n).to(found) @ found
    return (found * products).sum(0).view(-1, len(p)).sum(0) / (4 * (N**2 - 1) ** 2)


def _require_number(n: int) -> None:
    if not 4 <= n <= MOST:
        raise ConfigError(f"amplitudes are for 4 to {MOST} gluons, incoming ones included, got {n}")


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """a . b of vectors (..., 4, B)."""
    sum_of = a[..., 0, :] * b[..., 0, :]
    for k in range(1, 4):
        sum_of = sum_of - a[..., k, :] * b[..., k, :]
    return sum_of


def _current(currents: list[Tensor], momenta: list[Tensor], step: _Step) -> Tensor:
    """P^2 J (S, 2^k, 4, B) of the sequences of one length, from shorter ones."""
    total = currents[0].new_zeros(())
    for a, left, right in step.pairs:
        A, B = currents[a - 1][left], currents[-a][right]
        P_A, P_B = momenta[a - 1][left], momenta[-a][right]
        P_BA, P_AB = _dot(P_B[:, None], A), _dot(P_A[:, None], B)
        AB = _dot(A[:, :, None], B[:, None])  # (S, 2^a, 2^b, B)
        term = 2 * P_BA[:, :, None, None] * B[:, None] - 2 * P_AB[:, None, :, None] * A[:, :, None]
        term = term + (P_A - P_B)[:, None, None] * AB[:, :, :, None]
        total = total + term.flatten(1, 2) / math.sqrt(2)
    for a, b, first, second, third in step.triples:
        A, B = currents[a - 1][first], currents[b - 1][second]
        C = currents[len(currents) - a - b][third]
        AB, BC = _dot(A[:, :, None], B[:, None]), _dot(B[:, :, None], C[:, None])
        AC = _dot(A[:, :, None], C[:, None])
        term = AC[:, :, None, :, None] * B[:, None, :, None]
        term = term - AB[:, :, :, None, None] * C[:, None, None] / 2 - BC[:, None, :, :, None] * A[:, :, None, None] / 2
        total = total + term.flatten(1, 3)
    return total


@dataclass(frozen=True)
class _Step:
    """Sequences of k gluons, and the places of their parts among the shorter ones.

    Parameters
    ----------
    members : (S, k), the gluons.
    pairs : (a, places of the first a gluons, places of the others), for every a.
    triples : (a, b, places of the first a, of the next b, and of the others).
    """

    members: Tensor
    pairs: tuple[tuple[int, Tensor, Tensor], ...]
    triples: tuple[tuple[int, int, Tensor, Tensor, Tensor], ...]


@cache
def _steps(n: int) -> tuple[_Step, ...]:
    """What is needed of all sequences of 2 ... n - 1 gluons that occur in the orderings."""
    words: list[list[tuple[int, ...]]] = [[(k,) for k in range(n - 1)]]
    for k in range(2, n):
        free = list(permutations(range(1, n - 1), k)) if k < n - 1 else []
        words.append([*free, *((0, *rest) for rest in permutations(range(1, n - 1), k - 1))])
    place = [{word: i for i, word in enumerate(some)} for some in words]

    def places(some: list[tuple[int, ...]], start: int, stop: int) -> Tensor:
        return torch.tensor([place[stop - start - 1][word[start:stop]] for word in some])

    steps = []
    for k in range(2, n):
        some = words[k - 1]
        pairs = tuple((a, places(some, 0, a), places(some, a, k)) for a in range(1, k))
        triples = tuple(
            (a, b, places(some, 0, a), places(some, a, a + b), places(some, a + b, k))
            for a in range(1, k - 1)
            for b in range(1, k - a)
        )
        steps.append(_Step(torch.tensor(some), pairs, triples))
    return tuple(steps)


def _argsort(word: tuple[int, ...]) -> list[int]:
    return sorted(range(len(word)), key=word.__getitem__)
