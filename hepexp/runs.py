"""Runs in notebooks and scripts: what they have measured, their predictions, their networks.

from hepexp import runs

run = runs.open("latest")                    # a folder, an MLflow run id, or models:/NAME@best
run.metrics["test/auc"]
run.predictions()                            # a pandas.DataFrame with a row for each test example
network = run.model()                        # a torch.nn.Module
logits = network(next(iter(run.batches("test"))))
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.errors import ConfigError
from hepexp.splits import SPLITS
from hepexp.tracking.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd
    from omegaconf import DictConfig
    from torch import nn

    from hepexp.batch import Batch
    from hepexp.learning.components import Components


def open(run: str | os.PathLike[str]) -> Run:
    """The record of a run.

    Parameters
    ----------
    run : what the verbs of the shell take for RUN: its folder, here or under `runs/`; `latest`; an MLflow run id; or a
        registered model, `models:/NAME@ALIAS` or `models:/NAME/VERSION`, which stands for the run that it was
        registered from.

    Raises
    ------
    hepexp.errors.ConfigError : there is no such run; the message says where it was looked for.
    """
    return Run(RunFolder.find(os.fspath(run)))


class Run:
    """A run's record. Nothing is read before it is asked for, and reading runs nothing of what a file contains.

    Errors that a user can act on are `hepexp.errors.HepexpError`, with a message of one line.

    Parameters
    ----------
    record : its folder. Use `open`.
    """

    def __init__(self, record: RunFolder) -> None:
        self._record = record
        self._rebuilt: dict[str, Components] = {}

    def __repr__(self) -> str:
        return f"<run {self._record.label}>"

    @property
    def folder(self) -> Path:
        """The folder of the run, absolute."""
        return self._record.path

    @property
    def config(self) -> DictConfig:
        """The resolved configuration: `run.config.optimizer.lr`, `run.config["dataset"]`."""
        return self._record.config

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures of metrics.json by their keys; empty if the run did not reach its test."""
        return self._record.metrics

    def predictions(self) -> pd.DataFrame:
        """What was predicted for each test example: of a classifier `index`, `label` and `score_<class>`.

        Raises
        ------
        hepexp.errors.DataError : there is no such file, or it is damaged.
        """
        from hepexp.evaluation.predictions import read_table

        return read_table(self._record.predictions).to_pandas()

    def model(self, checkpoint: str = "best") -> nn.Module:
        """The trained network, on the CPU, in evaluation mode. Its `forward` takes one of `batches`.

        Parameters
        ----------
        checkpoint : `best`, the epoch that the run was tested with; `last`; or a file.

        Raises
        ------
        hepexp.errors.ConfigError : there is no such checkpoint, or files that the run was trained on are gone, which
            define what the network reads.
        """
        return self._components(checkpoint).module.model.eval()

    def batches(self, split: str = "test") -> Iterator[Batch]:
        """The examples of a split as the network reads them, each once; `batch.index` is that of `predictions`.

        Parameters
        ----------
        split : `train`, `val` or `test`.
        """
        if split not in SPLITS:
            raise ConfigError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        components = next(iter(self._rebuilt.values()), None) or self._components("best")
        return iter(components.data.loader_of(split))

    def _components(self, checkpoint: str) -> Components:
        if checkpoint not in self._rebuilt:
            from hepexp.learning.trained import rebuild

            with _own_random_numbers():
                self._rebuilt[checkpoint] = rebuild(self._record, self.config, checkpoint)
        return self._rebuilt[checkpoint]


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Leave the state of the caller's random numbers as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        yield
