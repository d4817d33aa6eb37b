"""Means of relevances over the examples of a class: by kind of particle, distance from the axis, and feature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.explanation.explain import Explained

RADIUS = 0.8  # up to which distances from the jet axis are binned
BINS = 8
Mean = tuple[float, float | None]  # and its standard error over examples; None of a single one


def per_example(explained: Explained) -> NDArray[np.float64]:
    """What relevances are divided by, (n,): the sum of their absolute values over the elements of an example."""
    sizes = np.array([np.abs(each).sum() for each in explained.relevance]) + np.abs(explained.whole)
    return np.where(sizes > 0, sizes, 1.0)


def mean(values: NDArray[np.float64]) -> Mean:
    """The mean of values (n,) with its standard error."""
    n = len(values)
    return float(values.mean()), float(values.std(ddof=1) / n**0.5) if n > 1 else None


def of_columns(explained: Explained, chosen: NDArray[np.bool_]) -> dict[str, Mean]:
    """Mean share of the relevance of each column that the network reads, of chosen examples (n,).

    What is divided by is the sum of the absolute values over columns, which within an element may nearly cancel.
    """
    sizes = np.sum([np.abs(values) for values in explained.columns.values()], axis=0)
    sizes = np.where(sizes > 0, sizes, 1.0)
    return {name: mean((values / sizes)[chosen]) for name, values in explained.columns.items()}


def of_pixels(explained: Explained, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean share of relevance of each pixel (N,), of chosen examples (n,) that are images of N pixels."""
    shares = np.stack(explained.relevance) / per_example(explained)[:, None]
    return shares[chosen].mean(0)


def of_distances(explained: Explained, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.float64], list[Mean]]:
    """Edges of bins in Delta R from the jet axis, and the mean share of relevance in each, of chosen examples (n,)."""
    far = max((np.hypot(*each[:, 1:].T).max() for each in explained.momenta if len(each)), default=RADIUS)
    edges = np.linspace(0, min(RADIUS, max(float(far), 1e-3)), BINS + 1)
    sums = np.stack(
        [
            np.histogram(np.hypot(*place[:, 1:].T), edges, weights=relevance)[0]
            for place, relevance in zip(explained.momenta, explained.relevance, strict=True)
        ]
    )
    shares = (sums / per_example(explained)[:, None])[chosen]
    return edges, [mean(share) for share in shares.T]


def of_kinds(
    explained: Explained, kinds: Sequence[NDArray[np.integer]], names: Sequence[str], chosen: NDArray[np.bool_]
) -> dict[str, Mean]:
    """Mean share of the relevance of each kind of particle, of chosen examples (n,).

    Parameters
    ----------
    kinds : of each example, the index in names of its elements (N,).
    """
    size, found = per_example(explained), {}
    for k, name in enumerate(names):
        each = zip(kinds, explained.relevance, strict=True)
        sums = np.array([relevance[kind == k].sum() for kind, relevance in each])
        if any((kind == k).any() for kind in kinds):
            found[name] = mean((sums / size)[chosen])
    return found
