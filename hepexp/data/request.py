"""What is requested of a data set: which examples, and how they are put into batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hepexp.errors import ConfigError


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


def require_at_least(least: int, **values: int | None) -> None:
    """Raise ConfigError for a key of the data set that is too small; None means that the key is not set."""
    for name, value in values.items():
        if value is not None and value < least:
            raise ConfigError(f"dataset.{name} must be >= {least}, got {value}")


def require_at_most(most: int, **values: int | None) -> None:
    """Raise ConfigError for a key of the data set that is larger than any machine or data set allows."""
    for name, value in values.items():
        if value is not None and value > most:
            raise ConfigError(f"dataset.{name} must be <= {most:,}, got {value:,}")
