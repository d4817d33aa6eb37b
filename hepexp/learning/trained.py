"""A trained run, rebuilt from its folder to evaluate and to predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader

from hepexp.errors import ConfigError
from hepexp.learning.callbacks.progress import TrainingProgress
from hepexp.learning.components import Components, build_components
from hepexp.learning.fit import load_state
from hepexp.tracking.run_folder import RunFolder

ONE_DEVICE = {"devices": 1, "num_nodes": 1, "strategy": "auto", "compile": False}


def rebuild(folder: RunFolder, config: DictConfig, checkpoint: str) -> Components:
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
    config = config.copy()
    OmegaConf.set_readonly(config, False)
    for key, value in ONE_DEVICE.items():
        OmegaConf.update(config, f"trainer.{key}", value, force_add=True)
    path = {"best": folder.best, "last": folder.last}.get(checkpoint, Path(checkpoint))
    components = build_components(config, trained=path.is_file(), record=folder.path / "config.yaml")
    if path.is_file():
        load_state(components.module, path, components.data)
    elif (config.trainer.max_epochs and components.module.trains) or checkpoint not in ("best", "last"):
        raise ConfigError(f"no checkpoint {path}; expected best, last or a file; `hepexp train --resume` makes them")
    # a run that only evaluated (trainer.max_epochs=0) has none: its weights are those of model.weights
    return components


def evaluate(components: Components, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's batches, with the loss, in the order of their index."""
    _trainer(components).test(components.module, dataloaders=loader, verbose=False)
    return components.module.outputs


def predict(components: Components, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's batches, in the order of their index; the labels are not used."""
    _trainer(components).predict(components.module, dataloaders=loader, return_predictions=False)
    return components.module.outputs


def _trainer(components: Components) -> pl.Trainer:
    monitor, _ = components.module.objective.monitor
    return components.trainer.build([TrainingProgress(monitor, components.noun)] if components.trainer.progress else [])
