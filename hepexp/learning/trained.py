"""A trained run, rebuilt from its folder to evaluate and to predict."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader

from hepexp.data.formats.refusal import listed
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import ELEMENT, OBSERVED
from hepexp.learning.callbacks.progress import TrainingProgress
from hepexp.learning.components import Components, build_components
from hepexp.learning.fit import load_state
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger(__name__)
_WHICH_FILES = ("source", "files", "n_files", "n_generate", "generate_seed")  # keys of a data set
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
    if warning := other_files(folder, config.dataset, components.data.provenance):
        log.warning("%s", warning)
    # a run that only evaluated (trainer.max_epochs=0) has none: its weights are those of model.weights
    return components


def other_files(folder: RunFolder, dataset: DictConfig, provenance: Callable[[], dict]) -> str | None:
    """In which files the data differ from those that a run was trained on, in a line; None if they are the same.

    Parameters
    ----------
    dataset : keys of the data set now; if they ask for other data, nothing is compared.
    provenance : gives what the data are now.
    """
    recorded = (folder.environment.get("data") or {}).get("files") or []
    if not recorded or any(dataset.get(key) != folder.config.dataset.get(key) for key in _WHICH_FILES):
        return None
    before, now = (
        {(file.get("name"), file.get("sha256")) for file in files} for files in (recorded, provenance()["files"])
    )
    if before == now:
        return None
    names = [{str(name) for name, _ in files} for files in (now - before, before - now)]
    said = {"changed": names[0] & names[1], "new": names[0] - names[1], "missing": names[1] - names[0]}
    which = "; ".join(f"{what}: {listed(sorted(files))}" for what, files in said.items() if files)
    return f"data: not the files that {folder.label} was trained on: {which}"


def evaluate(components: Components, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's batches, with the loss, in the order of their index."""
    _trainer(components).test(components.module, dataloaders=loader, verbose=False)
    return components.module.outputs


def predict(components: Components, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's examples, in the order of their index; the labels are not used.

    Those that the data set cannot give to a model have NaN.
    """
    dataset = getattr(loader, "dataset", None)
    unscored = getattr(dataset, "unscored", None)
    is_empty = unscored is not None and len(dataset) == 0
    batches = components.data.loader_of("train", 1) if is_empty else loader  # any example shows what the outputs are
    _trainer(components).predict(components.module, dataloaders=batches, return_predictions=False)
    outputs = components.module.outputs
    if unscored is None or len(unscored.index) == 0:
        return outputs
    if is_empty:
        outputs = {name: values[:0] for name, values in outputs.items()}
    outputs = _with_unscored(outputs, unscored.index, unscored.label)
    observed = dataset.observed(outputs["index"])
    return outputs | {f"{OBSERVED}{name}": values for name, values in observed.items()}


def _trainer(components: Components) -> pl.Trainer:
    monitor, _ = components.module.objective.monitor
    return components.trainer.build([TrainingProgress(monitor, components.noun)] if components.trainer.progress else [])


def _with_unscored(outputs: Mapping[str, np.ndarray], index: np.ndarray, label: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs (n, ...) in the order of the rows, with those of further examples (k,), which are NaN."""
    order = np.argsort(np.concatenate([outputs["index"], index]), kind="stable")
    known = {"index": index, "label": label}
    found = {}
    for name, values in outputs.items():
        if name.startswith(OBSERVED):  # known of all of them
            continue
        if name.startswith(ELEMENT):  # an example that is not scored has none
            found[name] = values
            continue
        missing = np.nan if values.dtype.kind == "f" else -1
        more = known.get(name, np.full((len(index), *values.shape[1:]), missing, values.dtype))
        found[name] = np.concatenate([values, more.astype(values.dtype)])[order]
    return found
