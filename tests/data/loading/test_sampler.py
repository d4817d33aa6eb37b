"""The order of batches depends on seed and epoch, and on nothing else."""

import numpy as np
import pytest

from hepexp.data.loading.sampler import BucketBatchSampler, SortedBatchSampler

COUNTS = np.random.default_rng(0).integers(1, 100, 103)


def sampler(epoch: int = 0, bucket: int = 4, seed: int = 1, **more) -> BucketBatchSampler:
    made = BucketBatchSampler(COUNTS, batch_size=10, bucket=bucket, seed=seed, **more)
    made.set_epoch(epoch)
    return made


@pytest.mark.parametrize("bucket", [1, 3, 4, 100])
def test_an_epoch_has_each_jet_once_in_full_batches(bucket: int):
    batches = list(sampler(bucket=bucket))
    assert [len(batch) for batch in batches] == [10] * 10
    assert len({row for batch in batches for row in batch}) == 100
    assert len(sampler()) == 10


def test_same_seed_and_epoch_same_order():
    assert list(sampler(epoch=3)) == list(sampler(epoch=3))
    assert list(sampler(epoch=3)) != list(sampler(epoch=4))
    assert list(sampler(seed=1)) != list(sampler(seed=2))


def test_batches_are_sorted_and_buckets_make_them_alike():
    spread = {}
    for bucket in (1, 100):
        batches = [COUNTS[batch] for batch in sampler(bucket=bucket)]
        assert all((np.diff(batch) >= 0).all() for batch in batches)
        spread[bucket] = np.mean([np.ptp(batch) for batch in batches])
    assert spread[100] < spread[1] / 5


def test_ranks_share_each_batch_without_overlap():
    whole = list(sampler(epoch=2))
    parts = [list(sampler(epoch=2, rank=rank, world_size=2)) for rank in range(2)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert len(first) == len(second)
        assert sorted(first + second) == sorted(batch)


def test_a_resumed_epoch_goes_on_where_it_stopped_and_the_next_is_whole():
    resumed = sampler(epoch=5)
    resumed.start_batch = 4
    assert list(resumed) == list(sampler(epoch=5))[4:]
    resumed.set_epoch(6)
    assert list(resumed) == list(sampler(epoch=6))


def test_a_single_incomplete_batch_is_kept():
    few = BucketBatchSampler(COUNTS[:7], batch_size=10, bucket=4, seed=1)
    assert [sorted(batch) for batch in few] == [list(range(7))]
    assert len(few) == 1


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_evaluation_sees_every_jet_once_in_order_of_length(world_size: int):
    ranks = [SortedBatchSampler(COUNTS, 10, rank, world_size) for rank in range(world_size)]
    assert sorted(row for rank in ranks for batch in rank for row in batch) == list(range(103))
    lengths = [COUNTS[row] for batch in ranks[0] for row in batch]
    assert (np.diff(lengths) >= 0).all()
    assert all(len(list(rank)) == len(rank) for rank in ranks)


@pytest.mark.parametrize("n", range(100, 104))
def test_all_ranks_evaluate_as_many_batches(n: int):
    ranks = [list(SortedBatchSampler(COUNTS[:n], 10, rank, 3)) for rank in range(3)]
    assert {len(rank) for rank in ranks} == {10 + (n == 103)}  # of 1 or 2 jets in the last, one rank would have none
    order = np.argsort(COUNTS[:n], kind="stable").tolist()
    for k, shares in enumerate(zip(*ranks, strict=True)):
        batch = sorted(row for share in shares for row in share)
        assert batch == sorted(order[10 * k : 10 * k + len(batch)])
