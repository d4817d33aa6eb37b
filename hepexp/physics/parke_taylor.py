"""Amplitudes of gluons with two of one helicity, in closed form.

References
----------
S. J. Parke and T. R. Taylor, Phys. Rev. Lett. 56 (1986) 2459.
"""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor

from hepexp.physics.colour import N
from hepexp.physics.spinors import product, spinors
from hepexp.physics.vectors import invariants


def parke_taylor(p: Tensor, negative: tuple[int, int]) -> Tensor:
    """A (B,), complex: <ij>^4 / (<12> <23> ... <n1>), where gluons i and j have helicity -1 and all others +1.

    Parameters
    ----------
    p : momenta (B, n, 4), massless, all outgoing.
    negative : i and j, counted from 0.
    """
    ket, _ = spinors(p)
    i, j = negative
    cyclic = product(ket, ket.roll(-1, dims=1)).prod(1)
    return product(ket[:, i], ket[:, j]) ** 4 / cyclic


def five_gluons_squared(p: Tensor) -> Tensor:
    """|M|^2 (B,) of g g -> g g g, averaged over initial spins and colours and summed over final ones, exact in N.

        2 N^3 (N^2 - 1) sum_{i<j} s_ij^4 sum_{(n-1)! orderings} 1 / |s_12 s_23 s_34 s_45 s_51|,    over 4 (N^2 - 1)^2

    Every helicity amplitude of five gluons that does not vanish has two gluons of one helicity. The three final gluons
    are identical, for which there is no factor. In units of g^6 / GeV^2.

    Parameters
    ----------
    p : momenta (B, 5, 4), all outgoing; the first two are those of the incoming gluons with a minus sign.
    """
    s = invariants(p)
    pairs = torch.triu_indices(5, 5, 1)
    numerator = s[:, pairs[0], pairs[1]].pow(4).sum(1)
    words = torch.tensor(
        [(0, *rest) for rest in permutations(range(1, 5)) if rest[0] < rest[-1]]
    )  # one of two mirrored
    links = s[:, words, words.roll(-1, dims=1)].abs()  # (B, 12, 5)
    return 2 * N**3 * numerator * (2 / links.prod(2)).sum(1) / (4 * (N**2 - 1))
