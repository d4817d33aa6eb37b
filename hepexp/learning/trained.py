"""A trained run, rebuilt from its folder to evaluate and to predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader

from hepexp.config.content import check_record
from hepexp.errors import ConfigError
from hepexp.learning.callbacks.progress import TrainingProgress
from hepexp.learning.fit import load_state
from hepexp.learning.parts import Parts, build_parts
from hepexp.tracking.run_folder import RunFolder


def rebuild(folder: RunFolder, config: DictConfig, checkpoint: str) -> Parts:
    """Data set and model of a run, with the weights of one of its checkpoints.

    Parameters
    ----------
    folder : the run.
    config : its config, perhaps with another data source.
    checkpoint : `best`, `last`, or a file.

    Raises
    ------
    ConfigError : the checkpoint does not exist.
    HepexpError : it cannot be read, or belongs to another model.
    """
    check_record(OmegaConf.to_container(config), folder.path / "config.yaml")
    one_device = {"devices": 1, "num_nodes": 1, "strategy": "auto", "compile": False}
    config = OmegaConf.merge(config, {"trainer": one_device})
    path = {"best": folder.best, "last": folder.last}.get(checkpoint, Path(checkpoint))
    parts = build_parts(config, trained=path.is_file())
    if path.is_file():
        load_state(parts.module, path, parts.data)
    elif (config.trainer.max_epochs and parts.module.trains) or checkpoint not in ("best", "last"):
        raise ConfigError(f"no checkpoint {path}; expected best, last or a file; `hepexp train --resume` makes them")
    # a run that only evaluated (trainer.max_epochs=0) has none: its weights are those of model.weights
    return parts


def evaluate(parts: Parts, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's batches, with the loss, in the order of their index."""
    _trainer(parts).test(parts.module, dataloaders=loader, verbose=False)
    return parts.module.outputs


def predict(parts: Parts, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's batches, in the order of their index; the labels are not used."""
    _trainer(parts).predict(parts.module, dataloaders=loader, return_predictions=False)
    return parts.module.outputs


def _trainer(parts: Parts) -> pl.Trainer:
    monitor, _ = parts.module.objective.monitor
    return parts.trainer.build([TrainingProgress(monitor, parts.noun)] if parts.trainer.progress else [])
