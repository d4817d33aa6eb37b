"""Examples that hold nothing, for what is evaluated without data."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from hepexp.batch import DataSpec, FeatureBatch
from hepexp.data.datamodule import require_at_least
from hepexp.data.splits import SPLITS
from hepexp.errors import DataError


class Empty(LightningDataModule):
    """Examples with no features, of one class; all alike.

    Parameters
    ----------
    batch_size : examples in a batch.
    n_train : examples of the training split; null for one.
    n_val : examples of the validation split; null for one.
    n_test : examples of the test split; null for one.

    Raises
    ------
    ConfigError : a number that is below 1.
    """

    renders = ("features",)
    noun = "evaluation"
    spec = DataSpec(class_names=("none",))

    def __init__(
        self, batch_size: int = 1, n_train: int | None = None, n_val: int | None = None, n_test: int | None = None
    ) -> None:
        super().__init__()
        require_at_least(1, batch_size=batch_size, n_train=n_train, n_val=n_val, n_test=n_test)
        self.batch_size = batch_size
        self.sizes = dict(zip(SPLITS, (n_train or 1, n_val or 1, n_test or 1), strict=True))

    def render_as(self, name: str) -> None:
        """There is one form."""

    def setup(self, stage: str | None = None) -> None:
        """There are no files."""

    def start_at(self, epoch: int, batch: int) -> None:
        """All batches are alike, wherever one starts."""

    def typical_example(self) -> FeatureBatch:
        return _batch(torch.zeros(1, dtype=torch.int64))

    def provenance(self) -> dict:
        return {"source": "none", "simulated": False, "files": [], **{f"n_{name}": n for name, n in self.sizes.items()}}

    def loader_of(self, split: str, n: int | None = None) -> DataLoader:
        """Every example of a split once, or its first n."""
        rows = torch.arange(self.sizes[split])[:n]
        return DataLoader([_batch(some) for some in rows.split(self.batch_size)], batch_size=None)

    def loader_of_file(self, path: Path) -> NoReturn:
        raise DataError(f"{path}: the data set `empty` reads no files")

    def train_dataloader(self) -> DataLoader:
        return self.loader_of("train")

    def val_dataloader(self) -> DataLoader:
        return self.loader_of("val")

    def test_dataloader(self) -> DataLoader:
        return self.loader_of("test")


def _batch(rows: torch.Tensor) -> FeatureBatch:
    n = len(rows)
    # in double precision: what is evaluated without data can be exact
    features = torch.zeros(n, 0, dtype=torch.float64)
    return FeatureBatch(
        label=torch.zeros(n, dtype=torch.int64), index=rows, extras=torch.zeros(n, 0), features=features
    )
