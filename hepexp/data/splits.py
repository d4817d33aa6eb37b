"""The fixed split: four fifths for training, a tenth each for validation and test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
_SEED = 80_10_10  # not the seed of a run: all runs share their test jets


def split_rows(n: int) -> dict[str, NDArray[np.int64]]:
    """Rows of each split of n jets; they are disjoint, in random order, and together all rows.

    A part of a split is taken from its beginning, so a smaller training set is contained in a larger one.
    """
    order = np.random.default_rng(_SEED).permutation(n)
    tenth = n // 10
    return {"train": order[: n - 2 * tenth], "val": order[n - 2 * tenth : n - tenth], "test": order[n - tenth :]}
