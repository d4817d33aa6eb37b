"""What is requested of a data set: which examples, and how they are put into batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """Which examples are wanted; see HepDataModule for what each value means."""

    source: str
    n_files: int | None
    n_generate: int
    generate_seed: int
    n_train: int | None
    n_val: int | None
    n_test: int | None
    classes: Sequence[str] | None = None
    extras: Sequence[str] = ()
    train_classes: Sequence[str] | None = None


@dataclass(frozen=True)
class Loading:
    """How batches are made; see HepDataModule for what each value means."""

    batch_size: int
    num_workers: int
    seed: int
    bucket: int = 1
