"""Chained tasks: a run that needs the weights of another task takes them from a run of it, or trains it first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from filelock import FileLock
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from hepexp.config import needs, overrides
from hepexp.config.compose import Composer, parse, plain
from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError, HepexpError
from hepexp.learning.components import build_components
from hepexp.learning.ddp import started_from_outside
from hepexp.learning.earlier import newest_run
from hepexp.learning.experiment import freeze, refuse_idle_backend, train
from hepexp.tracking.lookup import label
from hepexp.tracking.run_folder import RunFolder

# These overrides also apply to the runs that a run needs: which data, how long, and where the record goes.
PASSED_ON = ("dataset", "trainer", "seed", "experiment", "tracking")


@dataclass(frozen=True)
class NeededRun:
    """A run of a task whose weights another run needs.

    Parameters
    ----------
    typed : its overrides, beginning with `task=`.
    config : composed from them, frozen.
    jobs : for each of its own keys that needs weights, the run that provides them.
    """

    typed: list[str]
    config: DictConfig
    jobs: dict[str, NeededRun]

    @property
    def task(self) -> str:
        return self.config.choices.task


def supply(config: Mapping, choices: dict[str, str], typed: list[str], folders: list[Path]) -> DictConfig:
    """A frozen config in which every key that needs a file of weights has one.

    They are the best weights of the newest finished run of the task (`newest_run`). If there is none, the task is
    trained first, in a separate run. The path of the file is relative to runs/, which can be moved.

    Parameters
    ----------
    config : composed, without Hydra's own node.
    choices : option chosen in each group.
    typed : overrides of the run; those in PASSED_ON hold for the needed runs too.
    folders : folders of configurations beside the shipped one (`--config-dir`).

    Raises
    ------
    ConfigError : a needed task cannot be composed with these overrides, or needs itself; raised before anything is
        trained.
    HepexpError : the needed run failed, or left no weights.
    """
    frozen = freeze(config, choices)
    return _supplied(frozen, _plan(frozen, typed, folders, (str(choices.get("task")),)), typed)


def _plan(config: DictConfig, typed: list[str], folders: list[Path], above: tuple[str, ...]) -> dict[str, NeededRun]:
    """The run that each key without weights needs, and the runs that this one needs in turn."""
    jobs = {}
    for key, task in needs.missing(config).items():
        if task in above:
            raise ConfigError(f"{needs.KEY}.{key}: a task cannot need itself: {' -> '.join((*above, task))}")
        passed = [o.input_line for o in parse(typed) if o.key_or_group.split(".")[0] in PASSED_ON]
        try:
            arguments = overrides.check([f"task={task}", *passed], folders)
        except ConfigError as error:
            raise ConfigError(f"{needs.KEY}.{key}: task={task} cannot be trained first: {error}") from None
        composed = Composer(folders).compose(arguments)
        needed = freeze(plain(composed), chosen(composed.hydra.runtime.choices))
        jobs[key] = NeededRun(arguments, needed, _plan(needed, typed, folders, (*above, task)))
    return jobs


def chosen(choices: Mapping) -> dict[str, str]:
    """The option chosen in each of our groups; Hydra's choices also include its own groups, and null for none."""
    return {g: option for g, option in choices.items() if "/" not in g and option not in (None, "None", "null")}


def _supplied(frozen: DictConfig, jobs: dict[str, NeededRun], typed: list[str]) -> DictConfig:
    """The config with the weights of these runs in it."""
    found = {key: newest_run(job.config, job.typed) for key, job in jobs.items()}
    if None in found.values():
        _check_before_training(frozen, typed)
    config = frozen.copy()
    OmegaConf.set_readonly(config, False)
    for key, job in jobs.items():
        run = found[key] or _train(job, key)
        Console(stderr=True).print(f"needs   {key}: from {run.label}", highlight=False, soft_wrap=True)
        OmegaConf.update(config, key, label(run.best), force_add=True)
    OmegaConf.set_readonly(config, True)
    return config


def _check_before_training(config: DictConfig, typed: list[str]) -> None:
    """Refuse now what would otherwise be refused only after hours of training another task."""
    if started_from_outside() and config.trainer.get("devices", 1) * config.trainer.get("num_nodes", 1) > 1:
        needed = ", ".join(f"task={task}" for task in needs.missing(config).values())
        raise ConfigError(f"train {needed} first: processes that SLURM or torchrun started share one training only")
    refuse_idle_backend(build_components(config), config.choices, typed)


def _train(job: NeededRun, key: str) -> RunFolder:
    """Train a needed task, unless another process, such as a job of the same multirun, is already doing so."""
    what = sha256(OmegaConf.to_yaml(job.config).encode()).hexdigest()[:16]
    runs_dir().mkdir(parents=True, exist_ok=True)
    with FileLock(runs_dir() / f".needed.{what}.lock") as lock:
        run = newest_run(job.config, job.typed)
        if run is None:
            Console(stderr=True).print(
                f"needs   {key}: training task={job.task} first", highlight=False, soft_wrap=True
            )
            run = train(_supplied(job.config, job.jobs, job.typed), dict(job.config.choices), job.typed).folder
        Path(lock.lock_file).unlink(missing_ok=True)  # a process that waited for the lock finds the run
    if not run.best.is_file():
        raise HepexpError(
            f"{needs.KEY}.{key}: {run.label} left no weights; train task={job.task} for one epoch or more"
        )
    return run
