"""Chained tasks: a run that needs the weights of another task takes them from a run of it, or trains it first."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock
from omegaconf import DictConfig, OmegaConf

from hepexp import regular_file
from hepexp.config import needs, new_head
from hepexp.config.build import instantiate
from hepexp.config.command_line import CommandLine
from hepexp.config.content import content_of
from hepexp.config.grammar import parse
from hepexp.config.nested import flatten
from hepexp.config.overrides import compose
from hepexp.config.paths import runs_dir
from hepexp.config.record import completed
from hepexp.console import PlainConsole
from hepexp.errors import ConfigError, HepexpError
from hepexp.learning.components import build_components
from hepexp.learning.ddp import started_from_outside
from hepexp.learning.experiment import freeze, refuse_idle_backend, train
from hepexp.tracking.lookup import label, status_of
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger("hepexp")
# These overrides also apply to the runs that a run needs: which data, how long, and where the record goes.
PASSED_ON = ("dataset", "trainer", "seed", "experiment", "tracking")
# Trained weights do not depend on these keys of `dataset` and `trainer`.
INCIDENTAL = (
    "accelerator",
    "channels_last",
    "checkpoint_minutes",
    "compile",
    "devices",
    "num_nodes",
    "num_workers",
    "progress",
)


@dataclass(frozen=True)
class NeededRun:
    """A run of a task whose weights another run needs.

    Parameters
    ----------
    typed : its overrides, beginning with `task=`.
    config : composed from them, frozen.
    needed : for each of its own keys that needs weights, the run that provides them.
    """

    typed: list[str]
    config: DictConfig
    needed: dict[str, NeededRun]

    @property
    def task(self) -> str:
        return self.config.choices.task


def supply(config: DictConfig, line: CommandLine) -> DictConfig:
    """A frozen config in which every key that needs a file of weights has one.

    They are the best weights of the newest finished run of the task (`newest_run`). If there is none, the task is
    trained first, in a separate run. The path of the file is relative to runs/, which can be moved.

    Parameters
    ----------
    config : frozen.
    line : the run's command line; its --config-dir, and the overrides in PASSED_ON, hold for the needed runs too.

    Raises
    ------
    ConfigError : a needed task cannot be composed with these overrides, or needs itself; raised before anything is
        trained.
    HepexpError : the needed run failed, or left no weights.
    """
    return _supplied(config, _plan(config, line, (str(config.choices.get("task")),)), line.overrides)


def _plan(config: DictConfig, line: CommandLine, above: tuple[str, ...]) -> dict[str, NeededRun]:
    """The run that each key without weights needs, and the runs that this one needs in turn."""
    planned = {}
    for key, task in needs.missing(config).items():
        if task in above:
            raise ConfigError(f"{needs.KEY}.{key}: a task cannot need itself: {' -> '.join((*above, task))}")
        passed = [o.input_line or "" for o in parse(line.overrides) if o.key_or_group.split(".")[0] in PASSED_ON]
        typed = [f"task={task}", *passed]
        try:
            composed = compose(CommandLine(line.values, typed))
        except ConfigError as error:
            raise ConfigError(f"{needs.KEY}.{key}: task={task} cannot be trained first: {error}") from None
        needed = freeze(composed, composed.hydra.runtime.choices)
        planned[key] = NeededRun(typed, needed, _plan(needed, line, (*above, task)))
    return planned


def _supplied(frozen: DictConfig, needed: dict[str, NeededRun], typed: list[str]) -> DictConfig:
    """The config with the weights of these runs in it."""
    if not needed:
        return frozen
    found = {key: newest_run(run.config, run.typed) for key, run in needed.items()}
    if None in found.values():
        _check_before_training(frozen, typed)
    config = frozen.copy()
    OmegaConf.set_readonly(config, False)
    for key, wanted in needed.items():
        run = found[key] or _train(wanted, key)
        PlainConsole(stderr=True).print(f"needs   {key}: from {run.label}", soft_wrap=True)
        OmegaConf.update(config, key, label(run.best), force_add=True)
    OmegaConf.set_readonly(config, True)
    return config


def _check_before_training(config: DictConfig, typed: list[str]) -> None:
    """Refuse now what would otherwise be refused only after hours of training another task."""
    if started_from_outside() and config.trainer.get("devices", 1) * config.trainer.get("num_nodes", 1) > 1:
        needed = ", ".join(f"task={task}" for task in needs.missing(config).values())
        raise ConfigError(f"train {needed} first: processes that SLURM or torchrun started share one training only")
    checked = config
    if f"model.{new_head.WEIGHTS}" in needs.missing(config) and new_head.KEY in config.model:
        checked = config.copy()
        OmegaConf.set_readonly(checked, False)
        del checked.model[new_head.KEY]  # it asks for the weights that are still to come
    refuse_idle_backend(build_components(checked), checked, typed)


def _train(wanted: NeededRun, key: str) -> RunFolder:
    """Train a needed task, unless another process, such as a job of the same multirun, is already doing so."""
    what = sha256(OmegaConf.to_yaml(wanted.config).encode()).hexdigest()[:16]
    runs_dir().mkdir(parents=True, exist_ok=True)
    with FileLock(runs_dir() / f".needed.{what}.lock") as lock:
        run = newest_run(wanted.config, wanted.typed)
        if run is None:
            PlainConsole(stderr=True).print(f"needs   {key}: training task={wanted.task} first", soft_wrap=True)
            run = train(_supplied(wanted.config, wanted.needed, wanted.typed), wanted.typed).folder
        Path(lock.lock_file).unlink(missing_ok=True)  # a process that waited for the lock finds the run
    if not run.best.is_file():
        raise HepexpError(
            f"{needs.KEY}.{key}: {run.label} left no weights; train task={wanted.task} for one epoch or more"
        )
    return run


def newest_run(config: DictConfig, typed: list[str]) -> RunFolder | None:
    """The newest finished run under runs/ of the same task, data and model; None when there is none.

    Parameters
    ----------
    config : what such a run would be made with, frozen.
    typed : overrides; if they change the trainer or the seed, these must agree too. Otherwise settings such as the
        number of epochs are left to that run.
    """
    keys = ["dataset", "model", *(override.key_or_group for override in parse(typed))]
    compared = [key for key in keys if key.split(".")[0] in ("dataset", "model", "trainer", "seed")]
    wanted = _values(config, compared, config)
    source = getattr(
        instantiate(config.dataset, "dataset", seed=config.seed), "source", None
    )  # a plug-in's data set may have none
    named = f"  task: {config.choices.task}\n"  # as config.yaml has it among its choices
    files = sorted(runs_dir().resolve().glob("*/*/config.yaml"), key=lambda file: file.parent.name, reverse=True)
    for file in files:
        try:
            regular_file.check(file)
            if named not in file.read_text(encoding="utf-8"):
                continue
            run = RunFolder(file.parent)
            if not run.best.is_file() or status_of(run.path) != "FINISHED":
                continue
            same = _values(run.config, compared, config) == wanted
            if same and source in (None, run.environment.get("data", {}).get("source")):
                return run
        except (OSError, UnicodeDecodeError, HepexpError) as error:  # another user's, or damaged: skip it
            log.warning("skipped %s: %s", file.parent, str(error).splitlines()[0])
    return None


def _values(config: DictConfig, compared: list[str], needing: DictConfig) -> dict[str, Any]:
    """The values of these keys and of all keys below them, except those that do not matter or come from other runs."""
    flat = flatten(completed(content_of(config)))
    return {
        key: value
        for key, value in flat.items()
        if any(key == start or key.startswith(f"{start}.") for start in compared)
        and key.rpartition(".")[2] not in INCIDENTAL
        and key not in needs.tasks(needing)
    }
