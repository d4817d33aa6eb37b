"""What data sets of jets share: fixed splits, loaders of padded batches, and the record of where the data come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Sampler

from hepexp.batch import JetBatch
from hepexp.data.jet_dataset import JetDataset
from hepexp.data.particles import ParticleReader
from hepexp.data.read import describe_file, read_jets
from hepexp.data.sampler import BucketBatchSampler, SortedBatchSampler
from hepexp.data.splits import SPLITS, split_rows
from hepexp.data.store import JetStore
from hepexp.errors import ConfigError, DataError


class JetDataModule(LightningDataModule):
    """Base of the data sets of jets. A data set says in `open_store` which files it reads.

    Parameters
    ----------
    source : where the jets come from: full, mini or generate.
    reader : what is read of each particle.
    limits : jets taken of each split at most; None for all.
    batch_size : jets in a batch, over all ranks together.
    bucket : batches in a pool of like length, see BucketBatchSampler.
    num_workers : processes that build batches; 0 builds them in the training process.
    seed : of the order of the training batches.

    Attributes
    ----------
    renders : forms in which the data set gives its examples; a model's `input` must be one of them.
    train_sampler : sampler of the training loader, once it is made.
    """

    renders = ("particles",)

    def __init__(
        self,
        source: str,
        reader: ParticleReader,
        limits: dict[str, int | None],
        batch_size: int,
        bucket: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        require_at_least(1, batch_size=batch_size, bucket=bucket, **{f"n_{name}": n for name, n in limits.items()})
        require_at_least(0, num_workers=num_workers)
        self.source = source
        self.reader = reader
        self.limits = limits
        self.batch_size = batch_size
        self.bucket = bucket
        self.num_workers = num_workers
        self.seed = seed
        self._start = (0, 0)
        self.store: JetStore | None = None
        self.splits: dict[str, JetDataset] = {}
        self.train_sampler: BucketBatchSampler | None = None

    def open_store(self) -> JetStore:
        """The jets, on disk already."""
        raise NotImplementedError

    def setup(self, stage: str | None = None) -> None:
        """Open the files and cut the splits, once.

        Raises
        ------
        ConfigError : a split has fewer jets than it was asked for.
        """
        if self.splits:
            return
        self.store = self.open_store()
        for name, rows in split_rows(len(self.store)).items():
            wanted = self.limits[name]
            if wanted is not None and wanted > len(rows):
                raise ConfigError(
                    f"dataset.n_{name} must be <= {len(rows)}, all there are in this source, got {wanted}"
                )
            self.splits[name] = JetDataset(self.store, rows[:wanted], self.reader)

    @property
    def rank(self) -> int:
        """Of this process; its loaders give every world_size-th jet of each batch."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def world_size(self) -> int:
        return self.trainer.world_size if self.trainer else 1

    def start_at(self, epoch: int, batch: int) -> None:
        """Let the next training loader begin in this epoch, after so many batches: for a resumed run."""
        self._start = (epoch, batch)

    def provenance(self) -> dict:
        """Source, files with checksums, sizes of the splits, and the command that makes the data; after `setup`."""
        about = self.store.metadata[0]
        return {
            "source": self.source,
            "files": [
                record.get("original") or describe_file(path)
                for path, record in zip(self.store.paths, self.store.metadata, strict=True)
            ],
            **{f"n_{name}": len(self.splits[name]) for name in SPLITS},
            "how": about.get("command", "hepexp data download qg"),
        }

    def train_dataloader(self) -> DataLoader:
        jets = self.splits["train"]
        self.train_sampler = BucketBatchSampler(
            jets.counts, self.batch_size, self.bucket, self.seed, self.rank, self.world_size
        )
        epoch, self.train_sampler.start_batch = self._start
        self.train_sampler.set_epoch(epoch)
        return self._loader(jets, self.train_sampler)

    def val_dataloader(self) -> DataLoader:
        return self.loader_of("val")

    def test_dataloader(self) -> DataLoader:
        return self.loader_of("test")

    def typical_example(self) -> JetBatch:
        """A batch of one training jet, of median multiplicity."""
        jets = self.splits["train"]
        return jets[[int(np.argsort(jets.counts, kind="stable")[len(jets) // 2])]]

    def loader_of(self, split: str) -> DataLoader:
        """Every jet of a split once, in order of multiplicity."""
        return self._loader(self.splits[split])

    def loader_of_file(self, path: Path) -> DataLoader:
        """Every jet of a file once, rendered as this data set renders its own.

        Raises
        ------
        DataError : the file is not a file of jets, or holds none.
        """
        return self.predict_dataloader(read_jets(path))

    def predict_dataloader(self, store: JetStore | None = None) -> DataLoader:
        """Every jet of a store once; of the test split by default."""
        if store is None:
            return self.test_dataloader()
        if len(store) == 0:
            raise DataError(f"{', '.join(map(str, store.paths)) or 'the store'}: holds no jets")
        return self._loader(JetDataset(store, np.arange(len(store)), self.reader))

    def _loader(self, jets: JetDataset, sampler: Sampler[list[int]] | None = None) -> DataLoader:
        if sampler is None:
            sampler = SortedBatchSampler(jets.counts, self.batch_size, self.rank, self.world_size)
        return DataLoader(
            jets,
            sampler=sampler,  # its items are whole batches, so batch_size is None
            batch_size=None,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )


def require_at_least(least: int, **values: int | None) -> None:
    """Raise ConfigError for a key of the data set that is too small; None stands for no limit."""
    for name, value in values.items():
        if value is not None and value < least:
            raise ConfigError(f"dataset.{name} must be >= {least}, got {value}")
