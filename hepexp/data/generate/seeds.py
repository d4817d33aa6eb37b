"""The random seed of one block of simulated examples."""

from __future__ import annotations


def block_seed(seed: int, label: int, block: int, n_classes: int) -> int:
    """A seed of 1 to 900,000,000, the range of Pythia's.

    Multiplying by a number that shares no factor with 9e8 permutes the seeds, so no two blocks of one sample are alike.

    Parameters
    ----------
    seed : of the whole sample.
    label, block : class of the block, and its number within the class, from 0.
    n_classes : classes of the data set.
    """
    return 1 + (seed * 271_828_183 + (n_classes * block + label) * 48_271) % 900_000_000
