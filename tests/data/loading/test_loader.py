"""The loader gives what torch's own would, and leaves the random numbers of a run as that would."""

import torch
from torch.utils.data import DataLoader

from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.loading.loader import BatchLoader
from tests.data.small import use_small_samples


def test_batches_and_random_numbers_are_those_of_torchs_loader(monkeypatch):
    use_small_samples(monkeypatch)
    data = TopTagging(source="mini", batch_size=16, seed=1)
    data.setup()
    ours = data.train_dataloader()
    theirs = DataLoader(ours.dataset, sampler=ours.sampler, batch_size=None)
    assert isinstance(ours, BatchLoader)
    assert len(ours) == len(theirs) > 1
    drawn = []
    for loader in (ours, theirs):
        torch.manual_seed(0)
        drawn.append([(batch.index.tolist(), batch.p4, torch.rand(1)) for batch in loader])
    for (index, p4, number), (expected_index, expected_p4, expected_number) in zip(*drawn, strict=True):
        assert index == expected_index
        assert torch.equal(p4, expected_p4)
        assert number == expected_number
