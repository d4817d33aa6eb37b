"""Batches of jets of like length, in an order that the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


class BucketBatchSampler(Sampler[list[int]]):
    """Random batches whose jets are sorted by multiplicity and, with `bucket` > 1, alike in it.

    The jets are shuffled and dealt into pools of `bucket` batches; each pool is sorted by multiplicity and cut into
    batches, and all batches are shuffled. Multiplicity knows the label (gluon jets are larger), so large pools give
    one-sided batches.

    Parameters
    ----------
    counts : particles in each jet (n,).
    batch_size : jets in a batch, over all ranks together.
    bucket : batches in a pool; 1 for plain random batches.
    seed : of the order, together with the epoch.
    rank, world_size : of this process: it gets every world_size-th jet of each batch, beginning with the rank-th.

    A last, incomplete batch is left out of the epoch, unless it is the only one.
    """

    def __init__(
        self, counts: NDArray[np.int64], batch_size: int, bucket: int, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        self.counts = counts
        self.batch_size = batch_size
        self.bucket = bucket
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self.start_batch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches in a whole epoch; `start_batch` does not change it."""
        return max(1, len(self.counts) // self.batch_size)

    def batches(self) -> list[NDArray[np.int64]]:
        """The batches of this epoch, before they are split over ranks."""
        random = np.random.default_rng([self.seed, self.epoch])
        order = random.permutation(len(self.counts))[: len(self) * self.batch_size]
        pool = self.bucket * self.batch_size
        made = []
        for start in range(0, len(order), pool):
            jets = order[start : start + pool]
            jets = jets[np.argsort(self.counts[jets], kind="stable")]
            made += [jets[i : i + self.batch_size] for i in range(0, len(jets), self.batch_size)]
        return [made[i] for i in random.permutation(len(made))]

    def __iter__(self) -> Iterator[list[int]]:
        """One pass. The first `start_batch` batches are skipped, once: the next pass begins at the beginning."""
        start, self.start_batch = self.start_batch, 0
        for batch in self.batches()[start:]:
            yield batch[self.rank :: self.world_size].tolist()


class SortedBatchSampler(Sampler[list[int]]):
    """Every jet once, in order of multiplicity: the least padding, for validation and test.

    Parameters are those of BucketBatchSampler.
    """

    def __init__(self, counts: NDArray[np.int64], batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        order = np.argsort(counts, kind="stable")
        batches = (order[i : i + batch_size][rank::world_size] for i in range(0, len(order), batch_size))
        self.batches = [batch for batch in batches if len(batch)]  # parts of one array: lists would be five times it

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return (batch.tolist() for batch in self.batches)
