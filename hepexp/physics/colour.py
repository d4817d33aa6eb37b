"""Colour factors of amplitudes of gluons, for three colours."""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

N = 3  # colours


@cache
def orderings(n: int) -> tuple[tuple[int, ...], ...]:
    """The (n - 2)! orderings of 0 ... n - 1 that begin with 0 and end with n - 1, as those of `colour_matrix`."""
    return tuple((0, *middle, n - 1) for middle in permutations(range(1, n - 1)))


@cache
def colour_matrix(n: int) -> Tensor:
    """Sum over colours of the products of two factors, ((n - 2)!, (n - 2)!), float64.

    A tree amplitude of n gluons is the sum over orderings of (F^a2 ... F^a(n-1))_(a1 an) A(1, ..., n), where F are the
    adjoint matrices, here times sqrt 2 as the amplitudes are for generators with tr T^a T^b = delta^ab.

    References
    ----------
    V. Del Duca, L. Dixon, F. Maltoni, hep-ph/9910563, equation 13.
    """
    f = np.sqrt(2) * structure_constants()
    chain = f  # (a1, a2, b), then (a1, a2, a3, c) and so on; the last index belongs to the last gluon
    for _ in range(n - 3):
        chain = np.tensordot(chain, f, axes=([-1], [0]))
    words = orderings(n)
    place = {word: k for k, word in enumerate(words)}
    row = np.array([np.vdot(chain, chain.transpose(np.argsort(word))) for word in words])
    matrix = np.empty((len(words), len(words)))
    for j, left in enumerate(words):
        back = np.argsort(left)
        matrix[j] = [row[place[tuple(int(back[k]) for k in right)]] for right in words]
    return torch.from_numpy(matrix)


@cache
def structure_constants() -> NDArray[np.float64]:
    """f^abc (8, 8, 8), from the matrices of Gell-Mann: [T^a, T^b] = i f^abc T^c with tr T^a T^b = delta^ab / 2."""
    matrices = []
    for j in range(N):
        for k in range(j):
            symmetric = np.zeros((N, N), complex)
            symmetric[j, k] = symmetric[k, j] = 1
            other = np.zeros((N, N), complex)
            other[j, k], other[k, j] = 1j, -1j
            matrices += [symmetric, other]
    for k in range(1, N):
        diagonal = np.diag([1.0] * k + [-k] + [0.0] * (N - k - 1)).astype(complex)
        matrices.append(diagonal * np.sqrt(2 / (k * (k + 1))))
    t = np.stack(matrices) / 2
    products = np.einsum("aij,bjk->abik", t, t)
    return np.real(-2j * np.einsum("abij,cji->abc", products - products.transpose(1, 0, 2, 3), t))
