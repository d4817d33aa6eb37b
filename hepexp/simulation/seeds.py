"""The random seed of one block of simulated examples."""

from __future__ import annotations


def block_seed(seed: int, label: int, block: int, n_classes: int) -> int:
    """A seed between 1 and 900,000,000, the range that Pythia accepts.

    Multiplication by a number coprime to 9e8 permutes the seeds, so no two blocks of a sample have the same seed.

    Parameters
    ----------
    seed : of the whole sample.
    label, block : class of the block, and its number within the class, from 0.
    n_classes : number of classes in the data set.
    """
    return 1 + (seed * 271_828_183 + (n_classes * block + label) * 48_271) % 900_000_000
