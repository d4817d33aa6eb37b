"""The loader of batches that a data set builds itself."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from hepexp.batch import Batch


class BatchLoader(DataLoader):
    """torch's loader of whole batches (`batch_size=None`), without its cost where there is nothing for it to do.

    Without workers and without a GPU a batch goes from the data set to the training as it is. torch's way there, made
    for workers and for single examples, takes as long as a third of the gathering of a batch of jets.
    """

    def __iter__(self) -> Iterator[Batch]:
        if self.num_workers or self.pin_memory:
            return super().__iter__()
        # A pass draws the seed of its workers, also where there are none, so that all else drawn in a run (dropout)
        # does not depend on their number.
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)
        return map(self.dataset.__getitem__, self.sampler)
