"""Irreducible representations (k, n) of the Lorentz group and their Clebsch-Gordan products.

(k, n) has (k + 1)(n + 1) complex components: a spin k/2 that transforms with A in SL(2, C), and a spin n/2 that
transforms with its complex conjugate. (0, 0) is a scalar, (1, 1) a four-vector, E + sigma p as a 2 x 2 matrix; (2, 0)
and (0, 2) are the self-dual and anti-self-dual parts of an antisymmetric tensor, (2, 2) is a traceless symmetric one.

As both spins combine by the coefficients of SU(2), these are real, and a product of all representations with all others
is one contraction with a constant matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.precision import ExactBuffers

Irrep = tuple[int, int]
SCALAR, VECTOR = (0, 0), (1, 1)
MOST_COEFFICIENTS = 10**8  # 800 MB in float64; k_max=4 has a third of it


def irreps_up_to(k: int) -> list[Irrep]:
    """Those in products of four-vectors, with both numbers at most k; the scalar is first."""
    return [(a, b) for a in range(k + 1) for b in range(k + 1) if (a + b) % 2 == 0]


def dimension(irrep: Irrep) -> int:
    return (irrep[0] + 1) * (irrep[1] + 1)


def spin_coefficients(a: int, b: int, c: int) -> Tensor:
    """<a/2 m, b/2 m' | c/2 M> for all m, m', M from the highest down, (a + 1, b + 1, c + 1) in float64.

    Racah's formula, e.g. Varshalovich et al., Quantum Theory of Angular Momentum, section 8.2.
    """
    f = math.factorial
    found = torch.zeros(a + 1, b + 1, c + 1, dtype=torch.float64)
    triangle = f((a + b - c) // 2) * f((a - b + c) // 2) * f((b - a + c) // 2) / f((a + b + c) // 2 + 1)
    for i in range(a + 1):  # m = a/2 - i
        for j in range(b + 1):
            k = i + j - (a + b - c) // 2
            if not 0 <= k <= c:
                continue
            root = math.sqrt((c + 1) * triangle * f(k) * f(c - k) * f(i) * f(a - i) * f(j) * f(b - j))
            found[i, j, k] = root * _racah_sum(a, b, c, i, j)
    return found


def _racah_sum(a: int, b: int, c: int, i: int, j: int) -> float:
    f, total = math.factorial, 0.0
    for t in range((a + b - c) // 2 + 1):
        bottom = [t, (a + b - c) // 2 - t, i - t, b - j - t, (c - b + a) // 2 - i + t, (c - a - b) // 2 + j + t]
        if min(bottom) >= 0:
            total += (-1) ** t / math.prod(f(n) for n in bottom)
    return total


class Path(NamedTuple):
    """One way to a representation: left and right, combined to `to`."""

    left: Irrep
    right: Irrep
    to: Irrep


def paths(left: Sequence[Irrep], right: Sequence[Irrep], kept: Sequence[Irrep]) -> list[Path]:
    """All products of a left and a right representation, in the order of `kept`."""
    return [Path(a, b, c) for c in kept for a in left for b in right if _couples(a, b, c)]


def square_paths(irreps: Sequence[Irrep], kept: Sequence[Irrep]) -> list[Path]:
    """The products of x with itself: each pair once, and without those that are antisymmetric and vanish."""
    order = {irrep: i for i, irrep in enumerate(irreps)}
    found = paths(irreps, irreps, kept)
    return [p for p in found if order[p.left] < order[p.right] or (p.left == p.right and _is_symmetric(p.left, p.to))]


def reached(irreps: Sequence[Irrep], k_max: int) -> list[Irrep]:
    """The representations up to k_max in x, in x (x) x and in p (x) x, for a four-vector p and these `irreps` of x."""
    known = irreps_up_to(min(k_max, 2 * max(map(max, irreps))))  # the numbers of two factors add up at most
    found = {path.to for path in [*paths([VECTOR], irreps, known), *square_paths(irreps, known)]}
    return [irrep for irrep in known if irrep in found or irrep in irreps]


def _couples(a: Irrep, b: Irrep, c: Irrep) -> bool:
    return all(abs(x - y) <= z <= x + y and (x + y + z) % 2 == 0 for x, y, z in zip(a, b, c, strict=True))


def _is_symmetric(a: Irrep, c: Irrep) -> bool:
    return sum((2 * x - z) // 2 for x, z in zip(a, c, strict=True)) % 2 == 0


class Layout:
    """Where representations lie side by side in the last axis of a tensor."""

    def __init__(self, irreps: Sequence[Irrep]):
        self.irreps, self.at, self.size = list(irreps), {}, 0
        for irrep in irreps:
            self.at[irrep] = slice(self.size, self.size + dimension(irrep))
            self.size += dimension(irrep)


class Product(ExactBuffers):
    """Clebsch-Gordan products along given paths.

    Parameters
    ----------
    left, right : layouts of the factors.
    along : paths, those to one representation one after another.

    Raises
    ------
    ConfigError : their coefficients are too many to be multiplied as one matrix.

    Shapes
    ------
    x (..., left.size), y (..., right.size), complex -> {representation: (..., paths to it, its dimension)}, complex.
    """

    coefficients: Tensor

    def __init__(self, left: Layout, right: Layout, along: Sequence[Path]):
        super().__init__()
        n = left.size * right.size * sum(dimension(path.to) for path in along)
        if n > MOST_COEFFICIENTS:
            raise ConfigError(
                f"model.k_max: products of representations up to {max(map(max, left.irreps))} have {n:,} coefficients, "
                f"more than {MOST_COEFFICIENTS:,}; choose a smaller k_max, or fewer levels in model.n_channels"
            )
        self.at: dict[Irrep, slice] = {}
        columns, width = [], 0
        for path in along:
            block = torch.zeros(left.size, right.size, dimension(path.to), dtype=torch.float64)
            spins = [spin_coefficients(*spin) for spin in zip(*path, strict=True)]
            product = torch.einsum("abc,xyz->axbycz", *spins)
            sizes = [dimension(irrep) for irrep in path]
            block[left.at[path.left], right.at[path.right]] = product.reshape(sizes)
            columns.append(block.flatten(0, 1))
            start = self.at[path.to].start if path.to in self.at else width
            width += sizes[2]
            self.at[path.to] = slice(start, width)
        self.register_buffer("coefficients", torch.cat(columns, dim=1), persistent=False)  # (left x right, outputs)

    def flat(self, x: Tensor, y: Tensor) -> Tensor:
        """All outputs side by side."""
        pairs = (x[..., :, None] * y[..., None, :]).flatten(-2)
        coefficients = self.coefficients.to(pairs.real.dtype)
        return torch.complex(pairs.real @ coefficients, pairs.imag @ coefficients)

    def split(self, flat: Tensor) -> dict[Irrep, Tensor]:
        """Outputs side by side, as each representation with its paths."""
        return {irrep: flat[..., at].unflatten(-1, (-1, dimension(irrep))) for irrep, at in self.at.items()}

    def forward(self, x: Tensor, y: Tensor) -> dict[Irrep, Tensor]:
        return self.split(self.flat(x, y))


def vector_components(p4: Tensor) -> tuple[Tensor, Tensor]:
    """Real and imaginary parts of the (1, 1) of four-momenta (..., 4), (..., 4) each: E + sigma p, row by row.

    The product of two such vectors to (0, 0) is their inner product, metric (+,-,-,-).
    """
    e, px, py, pz = p4.unbind(-1)
    zero = torch.zeros_like(e)
    return torch.stack([e + pz, px, px, e - pz], dim=-1), torch.stack([zero, -py, py, zero], dim=-1)
