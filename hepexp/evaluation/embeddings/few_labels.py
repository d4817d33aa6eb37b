"""Subsets of labelled examples, for what can be read out with few labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def labelled_subset(label: NDArray[np.integer], fraction: float, seed: int) -> NDArray[np.int64]:
    """Places of a fraction of the examples of each class, rounded down, in the order of the examples.

    With the same seed a smaller subset is contained in any larger one.

    Parameters
    ----------
    label : (n,) classes.
    fraction : in (0, 1].
    """
    rng = np.random.default_rng(seed)
    kinds = [rng.permutation(np.flatnonzero(label == kind)) for kind in np.unique(label)]
    return np.sort(np.concatenate([members[: share_of(len(members), fraction)] for members in kinds]))


def share_of(n: int, fraction: float) -> int:
    """A fraction of n examples, rounded down; 0.07 of 100 are 7, whatever rounding in binary makes of it."""
    return int(fraction * n * (1 + 1e-12))
