"""A trained run, rebuilt from its folder to evaluate and to predict."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader

from hepexp.config import schema
from hepexp.config.build import construct
from hepexp.config.content import content_of
from hepexp.data.datasets.files import stand_in
from hepexp.data.datasets.files.inputs import missing_files
from hepexp.data.formats.refusal import listed
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import ELEMENT, OBSERVED
from hepexp.learning.callbacks.progress import TrainingProgress
from hepexp.learning.components import Components, build_components
from hepexp.learning.fit import load_state
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger(__name__)
_WHICH_FILES = ("source", "files", "n_files", "n_generate", "generate_seed", "stand_in")  # keys of a data set
_SIMULATED = re.compile(r"hepexp data generate (?P<name>\S+) --n \d+ --seed (?P<seed>\d+)")
_MOST_NAMES = 4  # of missing files, which have long names
ONE_DEVICE = {"devices": 1, "num_nodes": 1, "strategy": "auto", "compile": False, "channels_last": False}


def rebuild(folder: RunFolder, config: DictConfig, checkpoint: str, to_score: Path | None = None) -> Components:
    """Data set and model of a run, with the weights of one of its checkpoints.

    Parameters
    ----------
    folder : the run.
    config : its config, perhaps with another data source.
    checkpoint : `best`, `last`, or a file.
    to_score : a file of examples, if nothing else is done than to score such; then the data that the run was trained on
        need not be there any more, unless the scores depend on training examples. The shipped sample stands in for
        published and simulated ones, this file for files of one's own.

    Raises
    ------
    ConfigError : the checkpoint does not exist, or files that the run was trained on.
    HepexpError : it cannot be read, or belongs to another model.
    """
    config = config.copy()
    OmegaConf.set_readonly(config, False)
    for key, value in ONE_DEVICE.items():
        OmegaConf.update(config, f"trainer.{key}", value, force_add=True)
    schema.check_record(content_of(config), folder.path / "config.yaml")
    if missing := _missing_files(config.dataset):
        if to_score is None:
            raise missing
        config = _with(config, stand_in.keys_to_score(to_score.absolute()))
    path = {"best": folder.best, "last": folder.last}.get(checkpoint, Path(checkpoint))
    record, trained = folder.path / "config.yaml", path.is_file()
    sample = _sample_instead(config) if to_score is not None and trained and not missing else {}
    components = build_components(_with(config, sample), trained, record)
    if sample and components.module.objective.evaluator.references:
        sample, components = {}, build_components(config, trained, record)
    if missing and components.module.objective.evaluator.references:
        raise missing
    if path.is_file():
        load_state(components.module, path, components.data)
    elif (config.trainer.max_epochs and components.module.trains) or checkpoint not in ("best", "last"):
        raise ConfigError(f"no checkpoint {path}; expected best, last or a file; `hepexp train --resume` makes them")
    if not sample and (warning := other_files(folder, config.dataset, components.data.provenance)):
        log.warning("%s", warning)
    # a run that only evaluated (trainer.max_epochs=0) has none: its weights are those of model.weights
    return components


def _with(config: DictConfig, keys: Mapping[str, Any]) -> DictConfig:
    """A config with other keys of its data set."""
    config = config.copy()
    for key, value in keys.items():
        OmegaConf.update(config, f"dataset.{key}", value, force_add=True)
    return config


def _sample_instead(config: DictConfig) -> dict[str, Any]:
    """Keys with which a data set has its shipped sample, which shows what an example is; none if it ships none."""
    data = construct(config.dataset, "dataset", seed=config.seed)
    if not isinstance(data, HepDataModule) or data.info.mini is None:
        return {}
    return schema.accepted(config.dataset._target_, data.sample_keys())


def _missing_files(dataset: DictConfig) -> ConfigError | None:
    """What is wrong if a data set reads files of one's own, and some of them are not where they were."""
    if "stand_in" not in schema.signature(dataset._target_).parameters or dataset.get("stand_in"):
        return None
    missing = missing_files(content_of(dataset, resolve=True)["files"])
    if not missing:
        return None
    names = ", ".join(ascii(name)[1:-1] for name in missing[:_MOST_NAMES])
    names += f" and {len(missing) - _MOST_NAMES} more" * (len(missing) > _MOST_NAMES)
    return ConfigError(
        f"dataset.files: no such file: {names}; start in the folder of the training, or say where they are "
        "with data.files=..."
    )


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


def same_seed(folder: RunFolder, dataset: DictConfig, provenance: Callable[[], dict]) -> str | None:
    """That test examples may have been in the training of a run, in a line; None if they cannot.

    Of one seed the examples of a smaller sample are in the larger one too, but in other splits; the shipped sample has
    a seed as well.

    Parameters
    ----------
    dataset : keys of the data set now; if they ask for the data of the training, nothing is compared.
    provenance : gives what the data are now.
    """
    before = _simulated(folder.environment.get("data") or {})
    if before is None or all(dataset.get(key) == folder.config.dataset.get(key) for key in _WHICH_FILES):
        return None
    now = _simulated(provenance())
    if now is None or before.string == now.string or before.group("name", "seed") != now.group("name", "seed"):
        return None
    return (
        f"data: simulated with the seed of those that {folder.label} was trained on, {now['seed']}: test examples may "
        "have been in its training; choose another dataset.generate_seed for one of the two"
    )


def _simulated(about: Mapping[str, Any]) -> re.Match[str] | None:
    """Data set and seed of data, by what is recorded of them; None if they are not simulated."""
    return _SIMULATED.match(about.get("how") or "") if about.get("simulated") else None


def evaluate(components: Components, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's batches, with the loss, in the order of their index."""
    _trainer(components).test(components.module, dataloaders=loader, verbose=False)
    return components.module.outputs


def predict(components: Components, loader: DataLoader) -> dict[str, np.ndarray]:
    """Per-example outputs of a loader's examples, in the order of their index; the labels are not used.

    Those that the data set cannot give to a model have NaN.
    """
    dataset = getattr(loader, "dataset", None)
    if dataset is None or (unscored := getattr(dataset, "unscored", None)) is None:
        return _predicted(components, loader)
    if len(dataset):
        outputs = _predicted(components, loader)
    else:  # any example shows what the outputs are
        shown = _predicted(components, components.data.loader_of("train", 1))
        outputs = {name: values[:0] for name, values in shown.items()}
    if len(unscored.index) == 0:
        return outputs
    outputs = _with_unscored(outputs, unscored.index, unscored.label)
    observed = dataset.observed(outputs["index"])
    return outputs | {f"{OBSERVED}{name}": values for name, values in observed.items()}


def _predicted(components: Components, loader: DataLoader) -> dict[str, np.ndarray]:
    _trainer(components).predict(components.module, dataloaders=loader, return_predictions=False)
    return components.module.outputs


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
