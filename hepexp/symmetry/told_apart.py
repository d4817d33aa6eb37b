"""Whether examples that a generator has moved can be told from the original ones: a two-sample test by new critics."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

CHANCE = 0.5
SYMMETRY = 0.55  # accuracy of critics up to which examples count as not told apart
FEWEST = 900  # examples of which a guess is right for less than 55 % with three standard deviations, 0.5 / sqrt(n)
MOST = 6000  # examples used: the time rises as their number
DEGREE = 4  # of the critics: (p^2 - m^2)^2, the distance from a mass shell on either side, is of degree four
MOST_TERMS = 500  # of a critic: the time rises as their square
CONSTANT = 1e-7  # relative spread of combinations of terms below which they are rounding errors
STRENGTH = 1.0  # C, inverse strength of the regularisation of terms of unit spread


def told_apart(
    x: NDArray[np.floating],
    label: NDArray[np.integer],
    generator: NDArray[np.floating],
    displacement: float,
    seed: int,
    weight: NDArray[np.floating] | None = None,
) -> NDArray[np.float64] | None:
    """Whether new critics tell each example right: whether exp(+-t L) has moved it, or nothing has.

    A random half is moved, half of it with each sign, t such that E |g x - x| / |x| is the displacement. Critics are
    the signs of polynomials of the components, one for each label, fitted by logistic regression; each judges the half
    of the examples that it has not seen. As these are independent, the accuracy of a distribution that L leaves
    invariant is that of a guess, with standard deviation 0.5 / sqrt(n). Where a group is not compact, both signs
    together keep a wide distribution up to the second order in t; what leaves a narrow one is seen at the first.

    Parameters
    ----------
    x : vectors (n, K, d), of which at most the first MOST are used.
    label : (n,).
    generator : L (d, d).
    displacement : between 0 and 1.
    seed : of the choice of examples that are moved, and of the halves.
    weight : (n,) of the examples; critics learn from absolute values.

    Returns
    -------
    1 or 0 for each of the examples used; None if L cannot move them so far.

    References
    ----------
    D. Lopez-Paz, M. Oquab, arXiv:1610.06545.
    """
    from sklearn.linear_model import LogisticRegression  # takes a second to import

    x, label = x[:MOST].astype(np.float64), label[:MOST]
    weight = np.ones(len(x)) if weight is None else np.abs(weight[: len(x)].astype(np.float64))
    t = _parameter(x, generator, displacement, weight)
    if t is None:
        return None
    x = x / np.sqrt(np.square(x).sum((1, 2)).mean())
    ways = np.stack([_terms(x @ expm(sign * t * generator).T, label) for sign in (0, 1, -1)])  # (3, n, terms)
    random = np.random.default_rng(seed)
    way = random.permutation(np.resize([0, 1, 0, 2], len(x)))
    half = random.permutation(np.arange(len(x)) % 2)
    right = np.zeros(len(x))
    for one in (0, 1):
        there, here = half == one, half != one
        centre, unit = _scale(ways[:, there].reshape(-1, ways.shape[2]))
        # the critic sees each of its own examples moved in both ways and not, which costs no independence
        counts = np.concatenate([weight[there] * share for share in (0.5, 0.25, 0.25)])
        moved = np.repeat([0, 1, 1], there.sum())
        critic = LogisticRegression(C=STRENGTH, solver="newton-cholesky")
        critic.fit((ways[:, there].reshape(-1, ways.shape[2]) - centre) @ unit, moved, counts / counts.mean())
        right[here] = critic.predict((ways[way[here], here] - centre) @ unit) == (way[here] > 0)
    return right


def _parameter(
    x: NDArray[np.floating], generator: NDArray[np.floating], displacement: float, weight: NDArray[np.floating]
) -> float | None:
    """The least t > 0 at which exp(t L) and exp(-t L) move the examples so far on average; None if there is none."""
    length, norm = np.linalg.norm(x.reshape(len(x), -1), axis=1), float(np.linalg.norm(generator))
    if not norm or not (weight @ (length > 0)) > 0:
        return None

    def moved(t: float) -> float:
        far = 0.0
        for sign in (1, -1):
            shift = np.linalg.norm((x @ expm(sign * t * generator).T - x).reshape(len(x), -1), axis=1)
            far += weight @ (shift / np.where(length > 0, length, 1)) / weight.sum() / 2
        return far

    low, high = 0.0, 0.1 * displacement / norm
    while moved(high) < displacement:
        low, high = high, 1.5 * high
        if high * norm > 20:  # several turns, or e^14 times as long
            return None
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if moved(middle) < displacement else (low, middle)
    return high


def _terms(x: NDArray[np.float64], label: NDArray[np.integer]) -> NDArray[np.float64]:
    """The monomials of the components (n, terms) up to DEGREE, or fewer if there were too many, for each label apart.

    They are divided by (1 + |x|^2)^(degree / 2), which changes no sign of a polynomial and keeps long vectors from
    outweighing all others.
    """
    flat = x.reshape(len(x), -1)
    kinds = np.unique(label)
    most = min(MOST_TERMS, len(x) // 4)
    possible = (degree for degree in range(DEGREE, 1, -1) if comb(flat.shape[1] + degree, degree) * len(kinds) <= most)
    degree = next(possible, 1)
    unit = np.hstack([np.ones((len(x), 1)), flat]) / np.sqrt(1 + np.square(flat).sum(1, keepdims=True))
    of_degree = combinations_with_replacement(range(unit.shape[1]), degree)
    monomials = np.stack([unit[:, factors].prod(1) for factors in map(list, of_degree)], axis=1)
    return (monomials[:, None] * (label[:, None] == kinds)[..., None]).reshape(len(x), -1)


def _scale(terms: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean (terms,) and a matrix (terms, m) by which they become uncorrelated, with unit spread."""
    centre = terms.mean(0)
    _, spread, axes = np.linalg.svd(terms - centre, full_matrices=False)
    kept = spread > CONSTANT * spread[0]
    return centre, axes[kept].T / spread[kept] * np.sqrt(len(terms))
