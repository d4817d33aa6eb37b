"""Examples without content, for models that are evaluated without data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch.utils.data import DataLoader

from hepexp.batch import DataSpec, FeatureBatch
from hepexp.data.keys import require_at_least
from hepexp.data.loading.experiment_data import ExperimentData
from hepexp.splits import SPLITS


class Empty(ExperimentData):
    """Identical examples of a single class, without any features.

    Their indices differ between the splits, so that what draws its own samples by them validates and tests itself on
    different ones.

    Parameters
    ----------
    batch_size : number of examples per batch.
    n_train : number of training examples; null for one.
    n_val : number of validation examples; null for one.
    n_test : number of test examples; null for one.

    Raises
    ------
    ConfigError : a number is below 1.
    """

    representations = ("features",)
    noun = "evaluation"
    spec = DataSpec(class_names=("none",))

    def __init__(
        self, batch_size: int = 1, n_train: int | None = None, n_val: int | None = None, n_test: int | None = None
    ) -> None:
        super().__init__()
        require_at_least(1, batch_size=batch_size, n_train=n_train, n_val=n_val, n_test=n_test)
        self.batch_size = batch_size
        self.sizes: dict[str, int] = dict(zip(SPLITS, (n_train or 1, n_val or 1, n_test or 1), strict=True))

    def represent_as(self, name: str) -> None:
        """Do nothing: there is only one representation."""

    def setup(self, stage: str | None = None) -> None:
        """Do nothing: there are no files."""

    def start_at(self, epoch: int, batch: int) -> None:
        """Do nothing: all batches are identical, wherever training starts."""

    def training_batches(self, epoch: int, n: int) -> Iterator[FeatureBatch]:
        """The first n batches of training."""
        return islice(self.train_dataloader(), n)

    def typical_example(self) -> FeatureBatch:
        return self.typical_examples(1)

    def typical_examples(self, n: int) -> FeatureBatch:
        """A batch of n examples."""
        return _batch(torch.zeros(n, dtype=torch.int64))

    def provenance(self) -> dict:
        return {"source": "none", "simulated": False, "files": [], **{f"n_{name}": n for name, n in self.sizes.items()}}

    def loader_of(self, split: str, n: int | None = None) -> DataLoader:
        """Each example of a split once, or its first n."""
        first = sum(self.sizes[earlier] for earlier in SPLITS[: SPLITS.index(split)])
        rows = torch.arange(first, first + self.sizes[split])[:n]
        batches = [_batch(some) for some in rows.split(self.batch_size)]
        return DataLoader(batches, batch_size=None)  # type: ignore[arg-type]  # torch takes any sequence

    def train_dataloader(self) -> DataLoader:
        return self.loader_of("train")

    def val_dataloader(self) -> DataLoader:
        return self.loader_of("val")

    def test_dataloader(self) -> DataLoader:
        return self.loader_of("test")


def _batch(rows: torch.Tensor) -> FeatureBatch:
    n = len(rows)
    # in double precision: results that depend on no data can be exact
    features = torch.zeros(n, 0, dtype=torch.float64)
    return FeatureBatch(
        label=torch.zeros(n, dtype=torch.int64), index=rows, extras=torch.zeros(n, 0), features=features
    )
