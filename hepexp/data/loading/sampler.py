"""Batches of jets of similar multiplicity, in an order determined by the seed and the epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


class BucketBatchSampler(Sampler[list[int]]):
    """Random batches, each sorted by multiplicity; with `bucket` > 1 their jets have similar multiplicities.

    The jets are shuffled and divided into pools of `bucket` batches; each pool is sorted by multiplicity and cut into
    batches, and all batches are shuffled. Multiplicity is correlated with the label (gluon jets have more particles
    than quark jets), so batches cut from large pools are dominated by one class.

    Parameters
    ----------
    counts : particles in each jet (n,).
    batch_size : number of jets per batch, summed over all ranks.
    bucket : number of batches in a pool; 1 for plain random batches.
    seed : determines the order, together with the epoch.
    rank, world_size : of this process, which gets every world_size-th jet of each batch, starting at number `rank`.

    An incomplete last batch is dropped, unless it is the only one.
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
        """Set the epoch, which determines the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of batches in a full epoch, whatever `start_batch`."""
        return max(1, len(self.counts) // self.batch_size)

    def batches(self) -> list[NDArray[np.int64]]:
        """The batches of this epoch, before they are divided among the ranks."""
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
        """One pass. The first `start_batch` batches are skipped, this time only; the next pass is a full one."""
        start, self.start_batch = self.start_batch, 0
        for batch in self.batches()[start:]:
            yield batch[self.rank :: self.world_size].tolist()


class SortedBatchSampler(Sampler[list[int]]):
    """Each jet once, in order of multiplicity, which minimises the padding; for validation and test.

    The parameters are those of BucketBatchSampler. All ranks have the same number of batches: a last one of too few
    jets for all of them belongs to the one before.
    """

    def __init__(self, counts: NDArray[np.int64], batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        order = np.argsort(counts, kind="stable")
        starts = range(0, max(len(order) - min(world_size, batch_size) + 1, 1), batch_size)
        ends = [*starts[1:], len(order)]
        batches = (order[i:end][rank::world_size] for i, end in zip(starts, ends, strict=True))
        self.batches = [batch for batch in batches if len(batch)]  # views of one array, a fifth of the memory of lists

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return (batch.tolist() for batch in self.batches)
