"""What training and evaluation ask of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from hepexp.batch import Batch, DataSpec
from hepexp.errors import ConfigError, DataError


class ExperimentData(pl.LightningDataModule):
    """The members of a data set that training and evaluation use.

    HepDataModule has them for examples in files. A plug-in's data set may be any LightningDataModule that has them.
    """

    @property
    def representations(self) -> tuple[str, ...]:
        """Those in which it can serve its examples; a model's `input` must be one of them."""
        raise NotImplementedError(f"{type(self).__name__} does not say in which representations it serves examples")

    @property
    def spec(self) -> DataSpec:
        """Sizes of the arrays in a batch, and names of the classes; available after `setup`."""
        raise NotImplementedError(f"{type(self).__name__} does not say what a model is built from")

    def represent_as(self, name: str) -> None:
        """Choose the representation of the batches, before `setup`."""
        raise NotImplementedError(f"{type(self).__name__} does not choose a representation")

    def typical_example(self) -> Batch:
        """A batch of one training example of typical size."""
        raise NotImplementedError(f"{type(self).__name__} does not say what a typical example is")

    def start_at(self, epoch: int, batch: int) -> None:
        """Let the next training loader start in this epoch after this many batches, for a resumed run."""
        raise NotImplementedError(f"{type(self).__name__} cannot start in the middle of a training")

    def training_batches(self, epoch: int, n: int) -> Iterator[Batch]:
        """The first n batches of an epoch of training, beside those of the training itself."""
        raise NotImplementedError(f"{type(self).__name__} gives no batches beside those of the training")

    def loader_of(self, split: str, n: int | None = None) -> DataLoader:
        """Each example of a split once, or each of its first n."""
        raise NotImplementedError(f"{type(self).__name__} gives no examples of a split")

    def loaders_of_file(self, path: Path) -> Iterator[DataLoader]:
        """Each example of a file once, in parts."""
        raise DataError(f"{path}: the data set {type(self).__name__} reads no files")

    def check_unseen(self, names: Sequence[str]) -> None:
        """Raise ConfigError for a class that is used, or that the data set lacks."""
        raise ConfigError(f"--unseen {names[0]}: {type(self).__name__} has no classes that could be left out")

    def loader_of_unseen(self, names: Sequence[str], split: str = "test") -> DataLoader:
        """The examples of a split that belong to classes that this data set has but was told not to use."""
        raise NotImplementedError(f"{type(self).__name__} has no classes that could be left out")

    def provenance(self) -> dict:
        """Where the examples come from, and the sizes of the splits; after `setup`."""
        raise NotImplementedError(f"{type(self).__name__} does not say where its examples come from")


def data_of(trainer: pl.Trainer) -> ExperimentData:
    """The data set of a training or a test."""
    return trainer.datamodule  # type: ignore[attr-defined]  # Lightning sets it without declaring it
