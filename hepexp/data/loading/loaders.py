"""The loaders of a data set: of its splits, and of files to be scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

from hepexp.batch import Batch
from hepexp.config.suggest import did_you_mean
from hepexp.data.formats.open_file import stores_of
from hepexp.data.loading.dataset import SplitDataset, Unscored
from hepexp.data.loading.examples import Examples
from hepexp.data.loading.loader import BatchLoader
from hepexp.data.loading.sampler import BucketBatchSampler, SortedBatchSampler
from hepexp.data.representations.representation import Representation
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError, DataError

_ROWS_TO_SCORE = 2**17  # of a file, at once
_OUTPUTS_TO_SCORE = 2**22  # of elements, or of pairs of them, at once


class Loaders(Examples):
    """A base of HepDataModule, of whose splits and keys it makes batches."""

    _start: tuple[int, int]  # epoch and batch of the next training loader

    @property
    def rank(self) -> int:
        """Rank of this process; its loaders yield every world_size-th example of each batch."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def world_size(self) -> int:
        return self.trainer.world_size if self.trainer else 1

    def start_at(self, epoch: int, batch: int) -> None:
        """Let the next training loader start in this epoch after this many batches, for a resumed run."""
        self._start = (epoch, batch)

    def train_dataloader(self) -> DataLoader:
        examples = self.splits["train"]
        sampler = BucketBatchSampler(
            examples.counts, self.batch_size, self.bucket, self.seed, self.rank, self.world_size
        )
        epoch, sampler.start_batch = self._start
        sampler.set_epoch(epoch)
        return self._loader(examples, sampler)

    def training_batches(self, epoch: int, n: int) -> Iterator:
        """The first n batches of an epoch of training, beside those of the training itself."""
        examples = self.splits["train"]
        sampler = BucketBatchSampler(
            examples.counts, self.batch_size, self.bucket, self.seed, self.rank, self.world_size
        )
        sampler.set_epoch(epoch)
        return islice(iter(self._loader(examples, sampler)), n)

    def shuffled(self, index: NDArray[np.int64]) -> Iterator[Batch]:
        """Random batches without end of the training examples with this index, on this process alone."""
        rows = self.splits["train"].rows
        examples = self._dataset(self.store, rows[np.isin(rows, index)])
        sampler = BucketBatchSampler(examples.counts, self.batch_size, self.bucket, self.seed)
        loader = self._loader(examples, sampler)
        for epoch in count():
            sampler.set_epoch(epoch)
            yield from loader

    def val_dataloader(self) -> DataLoader:
        return self.loader_of("val")

    def test_dataloader(self) -> DataLoader:
        return self.loader_of("test")

    def loader_of(self, split: str, n: int | None = None) -> DataLoader:
        """Each example of a split once, or each of its first n, in order of multiplicity."""
        examples = self.splits[split]
        if n is not None and n < len(examples):
            examples = self._dataset(self.store, examples.rows[:n])
        return self._loader(examples)

    def loader_of_rows(
        self, rows: NDArray[np.int64], representation: Representation | None = None, apart: bool = False
    ) -> DataLoader:
        """Each example at these rows of the store once, in order of multiplicity.

        Parameters
        ----------
        representation : one like that of the splits; None for that one itself.
        apart : whether each is a batch of its own.
        """
        examples = self._dataset(self.store, rows, representation)
        return self._loader(examples, [[i] for i in range(len(rows))] if apart else None)

    def loader_of_unseen(self, names: Sequence[str], split: str = "test") -> DataLoader:
        """The examples of a split that belong to classes that this data set has but was told not to use."""
        rows = self.split_store.splits[split]
        wanted = [self.info.classes.index(name) for name in names]
        return self._loader(self._dataset(self.store, rows[np.isin(self.store.label[rows], wanted)]))

    def check_unseen(self, names: Sequence[str]) -> None:
        """Raise ConfigError for a class that is used, or that the data set lacks."""
        others = [name for name in self.info.classes if name not in self.class_names]
        for name in names:
            if name not in others:
                raise ConfigError(
                    f"--unseen {name}: not a class that was left out{did_you_mean(name, others)} (left out by "
                    f"dataset.classes: {', '.join(others) or 'none'})"
                )

    def loaders_of_file(self, path: Path) -> Iterator[DataLoader]:
        """Each example of a file once, labelled or not, in the same representation as the examples of this data set.

        A file is read in parts, one loader for each, so that neither it nor its predictions need fit into memory.

        Raises
        ------
        DataError : the file is not a file of such examples, or holds none.
        """
        n = n_scored = 0
        for store in stores_of(self.info, path):
            self.setup()
            n += len(store)
            can = self.can_score(store)
            n_scored += int(can.sum())
            for rows in self._parts_to_score(store):
                if len(rows):
                    yield self._loader_to_score(store, rows, can[rows])
        if n == 0:
            raise self._empty(str(path))
        if n_scored == 0:
            raise DataError(f"{path}: no {self.info.noun} {self.scored_if}; expected some that can be scored")

    def _parts_to_score(self, store: Store) -> list[np.ndarray]:
        """The rows of a store in parts whose outputs fit into memory, also those of each element or pair of them."""
        targets, rows, counts = self._element_targets, np.arange(len(store)), store.counts.astype(np.int64)
        outputs = counts**2 if targets.groups or targets.edges else counts if targets else np.zeros_like(counts)
        part = np.maximum(rows // _ROWS_TO_SCORE, np.cumsum(outputs) // _OUTPUTS_TO_SCORE)
        return np.split(rows, np.flatnonzero(np.diff(part)) + 1)

    def predict_dataloader(self, store: Store | None = None) -> DataLoader:
        """Each example of a store once; by default, of the test split."""
        if store is None:
            return self.test_dataloader()
        if len(store) == 0:
            raise self._empty(", ".join(map(str, store.paths)) or "the file")
        self.setup()
        return self._loader_to_score(store, np.arange(len(store)), self.can_score(store))

    def _empty(self, where: str) -> DataError:
        return DataError(f"{where}: contains no {self.info.noun}s")

    def _loader_to_score(self, store: Store, rows: np.ndarray, can: np.ndarray) -> DataLoader:
        examples = self._dataset(store, rows[can])
        examples.unscored = Unscored(rows[~can], examples.labels(rows[~can]))
        return self._loader(examples)

    def can_score(self, store: Store) -> np.ndarray:
        """Which examples (n,) of a store a model can score; the others have a score of NaN."""
        return np.ones(len(store), bool)

    @property
    def scored_if(self) -> str:
        """What an example is or has that a model can score, in words."""
        return "has any particles"

    def _loader(
        self, examples: SplitDataset, sampler: Sampler[list[int]] | list[list[int]] | None = None
    ) -> DataLoader:
        if sampler is None:
            sampler = SortedBatchSampler(examples.counts, self.batch_size, self.rank, self.world_size)
        return BatchLoader(
            examples,
            sampler=sampler,  # its items are whole batches, so batch_size is None
            batch_size=None,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
