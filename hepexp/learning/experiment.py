"""One experiment from its config to its complete record: the recipe of `hepexp train`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from hepexp.config import needs, record, root
from hepexp.config.compose import plain
from hepexp.config.content import content_of
from hepexp.console import PlainConsole
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.errors import ConfigError, DataError, HepexpError
from hepexp.interrupts import Interrupts
from hepexp.learning import rate_range, registration
from hepexp.learning.boosting import BoostingModule
from hepexp.learning.checkpoint_io import read_checkpoint
from hepexp.learning.classifier_scores import classifier_scores
from hepexp.learning.components import Components, build_components
from hepexp.learning.ddp import DdpWorkers
from hepexp.learning.few_labels import few_label_scores
from hepexp.learning.fit import check_resumable, fit
from hepexp.learning.machine import check_machine
from hepexp.learning.results import show_results, write_results
from hepexp.learning.run_record import recording
from hepexp.learning.training_state import check_training_state
from hepexp.tracking import found_metric, initial_weights, series, write_guard
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.options import TrackingOptions
from hepexp.tracking.preflight import check_recordable
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger("hepexp")


@dataclass(frozen=True)
class Result:
    """The location of a run's record, and its metrics."""

    folder: RunFolder
    metrics: dict[str, Any]


class Watcher:
    """Follows a run from outside, as a sweep does; this base class ignores everything.

    Attributes
    ----------
    tags : for the MLflow run.
    """

    tags: Mapping[str, str | None] = MappingProxyType({})

    def started(self, label: str) -> None:
        """The run has its folder, of this label."""

    def epoch(self, row: dict[str, float], epoch: int) -> None:
        """An epoch has ended with these values. May raise `Pruned` to end the run."""


def train(config: DictConfig, overrides: list[str], watcher: Watcher | None = None) -> Result:
    """Build, train, test and record one experiment.

    Parameters
    ----------
    config : frozen.
    overrides : as typed.
    watcher : follows the run.

    Raises
    ------
    HepexpError : bad values or bad files, before or during training; weights that are needed but were not supplied.
    Interrupted : SIGINT or SIGTERM; the run is recorded as KILLED and can be resumed.
    """
    tracking = TrackingOptions.of(config)
    for key, task in needs.missing(config).items():
        raise ConfigError(f"{key} needs a file of weights from a run of task={task}")
    with Interrupts() as interrupts:
        components = checked(config, overrides)
        if tracking.register:
            registration.refuse_unservable(components, config.trainer.max_epochs)
        check_recordable(config.experiment, tracking.timeout)
        search = rate_range.rate_range(components) if components.trainer.lr_find else None
        if search is not None:
            PlainConsole(stderr=True).print(f"rate    optimizer.lr={search.chosen:g}, from trainer.lr_find")
            config = _with(config, "optimizer.lr", search.chosen)
            components = build_components(config)  # those of a run whose rate was typed
        # a resumed run could not know what was fresh
        for key in ("freeze", "unfreeze", "lr_factor") if components.spared else ():
            config = _with(config, f"optimizer.{key}", getattr(components.module.optimizer, key))
        if components.trainer.min_steps:
            components.trainer.lengthen(len(components.data.train_dataloader()))
            for key in ("max_epochs", "patience"):
                config = _with(config, f"trainer.{key}", getattr(components.trainer, key))
        reads = getattr(components.module.model, "use_scalars", None)
        if reads is not None and config.model.get("use_scalars", False) is None:
            config = _with(config, "model.use_scalars", reads)  # the rule for null may change, the run must not
        folder = RunFolder.create(config.experiment, config.name)
        if search is not None:
            search.draw(folder.plots / "lr_find.png")
        return _recorded(config, components, folder, interrupts, watcher or Watcher(), overrides)


def checked(config: DictConfig, overrides: list[str]) -> Components:
    """The components of a frozen config, once it is clear that they can be trained on this machine.

    Raises
    ------
    ConfigError : a value that cannot be used, components that do not fit together, or hardware that is not there.
    DataError : files that cannot be read.
    """
    root.check_values(config)
    components = build_components(config)
    refuse_shared_examples(components)
    check_machine(components.trainer)
    refuse_idle_backend(components, config, overrides)
    refuse_idle_optimizer(components, overrides)
    rate_range.check(components, overrides)
    return components


def refuse_shared_examples(components: Components) -> None:
    """Refuse data of which the same examples are for training and test, as a single event of a data set may be.

    Raises
    ------
    DataError : says what to do.
    """
    data = components.data
    if not isinstance(data, HepDataModule):
        return
    shared = np.intersect1d(data.splits["train"].rows, data.splits["test"].rows, assume_unique=True)
    if len(shared) and components.trainer.max_epochs:
        raise DataError(
            f"dataset={data.info.name}: training and test of source {data.source} share {len(shared):,} of "
            f"{len(data.splits['test']):,} {data.info.noun}s; train with another dataset.source, such as mini, then: "
            f"hepexp evaluate latest dataset.source={data.source}"
        )


def _with(config: DictConfig, key: str, value: Any) -> DictConfig:
    """The config with a value that was found, which is what the record holds."""
    config = config.copy()
    OmegaConf.set_readonly(config, False)
    OmegaConf.update(config, key, value, merge=False)
    OmegaConf.set_readonly(config, True)
    return config


def freeze(composed: DictConfig, choices: Mapping[str, str | None]) -> DictConfig:
    """The config that a run is built from and records: named, resolved, read-only; weights of a run are its file, its
    metric is the matrix.

    Parameters
    ----------
    composed : by Hydra, with or without its own node.
    choices : the option of each group, as Hydra has them: also for its own groups, and null for none.
    """
    ours = {g: option for g, option in choices.items() if "/" not in g and option not in (None, "None", "null")}
    name = composed.get("name") or f"{ours['model']}_{ours['dataset']}"
    content: dict[str, Any] = plain(composed) if "hydra" in composed else dict(composed)
    frozen = OmegaConf.create({**content, "name": name, "choices": ours})
    OmegaConf.resolve(frozen)
    for key, value in initial_weights.keys(frozen.get("model") or {}):
        OmegaConf.update(frozen, key, initial_weights.file_of(value, key))
    if (value := OmegaConf.select(frozen, found_metric.KEY)) is not None:
        OmegaConf.update(frozen, found_metric.KEY, found_metric.resolved(value))
    record.check_values(content_of(frozen))
    OmegaConf.set_readonly(frozen, True)
    return frozen


def refuse_idle_backend(components: Components, config: DictConfig, overrides: list[str]) -> None:
    """Refuse a backend that was asked for when there are no circuits to evaluate."""
    asked = any(override.lstrip("+").startswith(("backend=", "backend.")) for override in overrides)
    if asked and not components.backend.circuits:
        raise ConfigError(
            f"backend={config.choices.backend} has no effect: model {config.choices.model} has no circuits; leave it "
            "out, choose a model with circuits (hepexp list model), or name some of its blocks in model.quantum_blocks"
        )


def refuse_idle_optimizer(components: Components, overrides: list[str]) -> None:
    """Refuse settings of an optimiser that were asked for when no step is taken by one."""
    asked = next((override for override in overrides if override.lstrip("+").startswith("optimizer")), None)
    if asked and isinstance(components.module, BoostingModule):
        raise ConfigError(f"{asked} has no effect: boosted trees have no optimiser; see model.shrinkage")


def resume(folder: RunFolder, config: DictConfig) -> Result:
    """Resume a run after any interruption, in its folder and its MLflow run."""
    OmegaConf.set_readonly(config, True)
    write_guard.refuse_links_out(folder.path)
    tracking = TrackingOptions.of(config)
    for checkpoint in (folder.last, folder.best):
        if checkpoint.exists():
            read_checkpoint(checkpoint)  # a broken one is refused before anything is recorded
    with Interrupts() as interrupts:
        components = build_components(config, trained=folder.last.exists(), record=folder.path / "config.yaml")
        check_machine(components.trainer)
        if folder.last.exists():
            check_training_state(folder.last, components.module.parameters())
            check_resumable(folder.last, components.trainer)
        check_recordable(config.experiment, tracking.timeout)
        return _recorded(config, components, folder, interrupts, Watcher(), overrides=None)


def _recorded(
    config: DictConfig,
    components: Components,
    folder: RunFolder,
    interrupts: Interrupts,
    watcher: Watcher,
    overrides: list[str] | None,
) -> Result:
    """Fit, test and record; a new run has the `overrides` that were typed, a resumed one None."""
    provenance, register = components.data.provenance(), TrackingOptions.of(config).register
    resume_from = folder.last if overrides is None and folder.last.exists() else None
    with recording(config, folder, provenance, interrupts, watcher.tags, overrides) as run:
        watcher.started(folder.label)
        log.info("%s", f"resumed from {resume_from}" if resume_from else "started")
        if components.taken:
            log.info("weights: %s", components.taken)
            PlainConsole(stderr=True).print(f"weights {components.taken}", soft_wrap=True)

        if components.frozen:
            log.warning("frozen: %s", components.frozen)  # which the screen shows, too

        if components.off_centre:
            log.warning("images: %s", components.off_centre)

        if components.unread:
            log.info("scalars: %s", components.unread)
            PlainConsole(stderr=True).print(f"scalars {components.unread}", soft_wrap=True)

        evaluator = components.module.objective.evaluator
        doubts: set[str] = set()

        def report(row: dict[str, float], epoch: int) -> None:
            run.log_metrics(series.of_epoch(row), epoch)
            of_epoch = {key.removeprefix("val/"): value for key, value in row.items() if key.startswith("val/")}
            if (doubt := evaluator.doubt(of_epoch)) not in {"", *doubts}:
                doubts.add(doubt)
                log.warning("epoch %d: %s", epoch, doubt)
            watcher.epoch(row, epoch)

        with DdpWorkers(folder, components.trainer, resume_from):
            fitted = fit(components, folder, interrupts, report, resume_from)
        components.data.trainer = None  # other processes have ended, and this one has all examples
        fitted.outputs |= few_label_scores(components, "test", fitted.outputs)
        fitted.outputs |= classifier_scores(components, fitted.outputs)
        metrics = write_results(config, components, folder, fitted, provenance["source"])
        run.log_metrics(series.of_run(metrics))
        interrupts.check()
        log.info("finished: %s", fitted.ending)
        unregistered = _registered(register, folder, components, run)
    show_results(config, folder, metrics, fitted)
    if unregistered:
        raise HepexpError(
            f"the run is recorded, but its model is not registered: {unregistered}; try again: hepexp register "
            f"{folder.label} {register}"
        ) from unregistered
    return Result(folder, metrics)


def _registered(name: str | None, folder: RunFolder, components: Components, run: MlflowRun) -> HepexpError | None:
    """Register the model under a name; an error here must not make the run a failed one."""
    if name is None:
        return None
    try:
        version = registration.register(name, folder, components, run)
    except HepexpError as error:
        return error
    log.info("registered as %s, version %s", name, version)
    return None
