"""Runs whose models are registered: at the end of a training, or later."""

from __future__ import annotations

import shutil

from hepexp.data.loading.datamodule import HepDataModule
from hepexp.errors import ConfigError, HepexpError
from hepexp.learning import pyfunc
from hepexp.learning.components import Components
from hepexp.learning.trained import rebuild
from hepexp.tracking import registry, sync
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.run_folder import RunFolder


def refuse_unservable(components: Components, max_epochs: int) -> None:
    """Refuse a model that cannot be registered, before it is trained.

    Raises
    ------
    ConfigError : nothing is trained, or the data set does not read tables.
    """
    if not (components.module.trains and max_epochs):
        raise ConfigError("tracking.register needs a trained model; this run only evaluates")
    if not isinstance(components.data, HepDataModule):
        raise ConfigError(
            f"tracking.register needs a data set built on HepDataModule, not {type(components.data).__name__}"
        )


def register(name: str, folder: RunFolder, components: Components, run: MlflowRun) -> str:
    """Save the best epoch's model among the artifacts of its run, as a new version under a name; its number.

    Raises
    ------
    HepexpError : the folder cannot be written, or the store refuses.
    """
    path = run.artifacts / registry.MODEL
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        pyfunc.save(folder, components, path)
    except OSError as error:
        raise HepexpError(f"cannot write the model to {path}: {error}") from error
    metric, mode = components.module.objective.monitor
    on = f"{folder.config.choices.dataset} {folder.metrics['data/source']}"
    judgement = registry.Judgement(metric, folder.metrics[metric], mode, on)
    return registry.register(run.client, run.run_id, name, judgement, run.insist)


def register_run(folder: RunFolder, name: str) -> str:
    """Register the best epoch's model of a finished run; the number of the version.

    Raises
    ------
    ConfigError : the run did not finish, its model cannot be registered, or the name is not valid.
    """
    registry.check_name(name)
    if not folder.metrics or (run_id := folder.mlflow_run_id) is None:
        raise ConfigError(f"{folder.label} did not finish; resume with: hepexp train --resume {folder.label}")
    components = rebuild(folder, folder.config, "best")
    refuse_unservable(components, folder.config.trainer.max_epochs)
    version = register(name, folder, components, MlflowRun.of(run_id, folder.path))
    sync.send_again(run_id)
    return version
