"""A loader for data sets that build whole batches themselves."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from hepexp.batch import Batch


class BatchLoader(DataLoader[Batch]):
    """torch's loader of whole batches (`batch_size=None`), without its overhead where that is not needed.

    Without workers and without a GPU, a batch goes straight from the data set to the training. torch's own path, made
    for workers and for single examples, takes a third as long as gathering a batch of jets.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # torch names a class of its own
        if self.num_workers or self.pin_memory:
            return super().__iter__()
        # Each pass draws a seed for its workers, even if there are none, so that the other random numbers of a run
        # (dropout) do not depend on the number of workers.
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)
        return map(self.dataset.__getitem__, self.sampler)
