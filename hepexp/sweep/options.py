"""The options of a sweep: the group `sweep`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, Literal

from hepexp.config.root import LARGEST_SEED
from hepexp.errors import ConfigError

MOST_JOBS_A_CORE = 16  # each is a process with torch in it, 300 MB
TRIALS = 20  # a first look at one or two keys


class SweepOptions:
    """The keys to vary, the number of trials, who runs them, and the metric to optimise.

    Parameters
    ----------
    space : for each key of the configuration `log(a, b)`, `uniform(a, b)`, `int(a, b)`, `log-int(a, b)` or
        `choice(x, y, ...)`; `log` and `uniform` give whole numbers to keys that take only those.
    name : name of the sweep; that of an earlier one resumes it. null makes one from model, data set and time.
    trials : trainings in all; null for 20, or for every cell of a grid.
    jobs : parallel workers: processes on this machine, or the cluster jobs of a submitit launcher.
    metric : key of metrics.json to optimise, never a test metric; several for a Pareto front; null for the metric that
        picks the best epoch.
    direction : maximize or minimize, for each metric; null for the better one, which hepexp show metric=NAME prints.
    sampler : tpe, random, grid (choice and int only), cmaes, or nsgaii for several metrics.
    pruner : median or hyperband stop unpromising trainings early; none lets every one finish.
    storage : a database (`postgresql://...`, `sqlite:///FILE`) or a journal on a shared disk (`journal:FILE`) that
        several machines can work on; null is $HEPEXP_SWEEP_STORAGE, else sweeps.db under runs/.
    seed : random seed of the sampler.
    launcher : local processes, or jobs of a cluster through submitit.
    cluster : parameters of submitit's executor, e.g. {partition: gpu, gpus_per_node: 1}; timeout_min is 240 unless
        given.

    Raises
    ------
    ConfigError : a number below 1, more jobs than this machine can bear, an invalid name, metrics and
        directions of different number, or options that exclude each other.
    """

    def __init__(
        self,
        space: dict[str, str] | None = None,
        name: str | None = None,
        trials: int | None = None,
        jobs: int = 1,
        metric: str | list[str] | None = None,
        direction: str | list[str] | None = None,
        sampler: Literal["tpe", "random", "grid", "cmaes", "nsgaii"] = "tpe",
        pruner: Literal["none", "median", "hyperband"] = "none",
        storage: str | None = None,
        seed: int = 1,
        launcher: Literal["local", "submitit_slurm", "submitit_local"] = "local",
        cluster: dict[str, Any] | None = None,
    ):
        for key, value in (("trials", trials), ("jobs", jobs)):
            if value is not None and value < 1:
                raise ConfigError(f"sweep.{key} must be >= 1, got {value}")
        if not 0 <= seed <= LARGEST_SEED:
            raise ConfigError(f"sweep.seed must be from 0 to {LARGEST_SEED}, got {seed}")
        cores = os.cpu_count() or 1
        if launcher == "local" and jobs > MOST_JOBS_A_CORE * cores:
            raise ConfigError(
                f"sweep.jobs={jobs} is more than {MOST_JOBS_A_CORE} processes for each of the {cores} cores here; take "
                f"{MOST_JOBS_A_CORE * cores} or fewer, or sweep.launcher=submitit_slurm"
            )
        if name is not None and (not re.fullmatch(r"[\w.,+-]{1,100}", name) or name.startswith(".")):
            raise ConfigError(f"sweep.name must be letters, digits and . , + - _ (no leading dot), got {name!r}")
        self.metrics = _listed(metric)
        if any(metric.startswith("test/") for metric in self.metrics):
            raise ConfigError(
                "sweep.metric must not be a test metric: the test set chooses nothing; take val/... instead"
            )
        self.directions = _listed(direction)
        self._check_directions()
        if len(self.metrics) > 1 and pruner != "none":
            raise ConfigError(f"sweep.pruner={pruner} needs one metric, got {len(self.metrics)}; take none")
        if pruner != "none" and self.metrics and not self.metrics[0].startswith(("val/", "train/")):
            raise ConfigError(f"sweep.pruner={pruner} needs a value after every epoch, val/..., not {self.metrics[0]}")
        if len(self.metrics) > 1 and sampler == "cmaes":
            raise ConfigError("sweep.sampler=cmaes needs one metric; take nsgaii or tpe for several")
        if cluster and launcher == "local":
            raise ConfigError("sweep.cluster has no effect with sweep.launcher=local; take submitit_slurm")
        self.space, self.name, self.trials, self.jobs = space or {}, name, trials, jobs
        self.sampler, self.pruner, self.storage, self.seed = sampler, pruner, storage, seed
        self.launcher, self.cluster = launcher, cluster or {}

    def _check_directions(self) -> None:
        given = self.directions
        for word in given:
            if word not in ("maximize", "minimize"):
                raise ConfigError(f"sweep.direction must be maximize or minimize, got {word!r}")
        if given and len(given) != max(len(self.metrics), 1):
            raise ConfigError(f"sweep.direction needs one word for each of {len(self.metrics)} metrics, got {given}")


def _listed(value: str | Sequence[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)
