"""hepexp sweep: tune keys with Optuna; a sweep survives interruptions, and several machines can work on it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from optuna import Study
    from optuna.storages import BaseStorage

    from hepexp.sweep.options import SweepOptions
    from hepexp.sweep.space import Dimension
    from hepexp.sweep.study import Plan

REGISTER = "tracking.register="  # of a sweep only the best trial's model is registered, at its end
RESUMABLE = ("trials", "jobs", "storage", "launcher", "cluster", "space")
HELP = """\
hepexp sweep [GROUP=OPTION | KEY=VALUE] ... sweep.space.KEY=FORM ... [sweep.KEY=VALUE] ...

  hepexp sweep model=particlenet data=qg 'sweep.space.optimizer.lr=log(1e-4,1e-2)' sweep.trials=20
  hepexp sweep sweep=learning_rate model=pfn sweep.jobs=2 sweep.pruner=median     a space from a file
  hepexp sweep --resume NAME [sweep.trials=N sweep.jobs=N]     resume, here or on another machine (sweep.storage=...)
  hepexp sweep --resume NAME 'sweep.space.KEY=choice(x,y,z)'   resume with other bounds, more choices or another key

  FORM            log(a,b)  uniform(a,b)  int(a,b)  log-int(a,b)  choice(x,y,...)
  KEY             of the configuration, or a group: 'sweep.space.model=choice(pfn,particlenet)'
  sweep.KEY       name, trials, jobs, metric, direction, sampler, pruner, storage, launcher: hepexp show sweep=default
  --config-dir DIR  a conf folder of your own, in addition to the shipped one

Every trial is a run with its own record, a child of the sweep's run in MLflow. A trial that fails is listed in the
table, and the others continue. Results: runs/sweeps/NAME/ (trials.csv, best.txt, figures)."""


def main(args: list[str]) -> int:
    if {"--help", "-h"} & set(args) or not args:
        print(HELP)
        return 0
    own, base = _split(args)
    if "--resume" in base:
        return _resume(own, base)
    options = _options(own)
    from hepexp.config.paths import runs_dir
    from hepexp.sweep.cluster_jobs import executor
    from hepexp.sweep.run import run
    from hepexp.sweep.space import read_space, with_whole_numbers
    from hepexp.sweep.storage import address, open_storage
    from hepexp.sweep.study import make_study
    from hepexp.tracking import known_servers
    from hepexp.tracking.initial_weights import is_key, pinned, pinned_files

    base = pinned(base)
    dimensions = with_whole_numbers(base, read_space(options.space))
    configs = _check(base, dimensions)
    config = configs[0]
    if not any(is_key(dimension.key) or dimension.key in ("model", "task") for dimension in dimensions):
        base = pinned_files(base, config.get("model") or {})
    plan = _plan(options, base, dimensions, configs)
    chosen = config.hydra.runtime.choices
    name = options.name or f"{chosen['model']}_{chosen['dataset']}_{datetime.now():%Y-%m-%d_%H-%M-%S}"
    if options.launcher != "local":
        executor(options.launcher, options.cluster, runs_dir() / "sweeps" / name)
    else:  # jobs of a cluster may find hardware and data that this machine lacks
        _check_trial(config, base, plan.metrics)
    url = address(options.storage)
    known_servers.remember(plan.uri)
    return run(name, options, make_study(open_storage(url), name, plan), url, plan.register)


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    """The sweep's own arguments, and the others, which are those of `train`."""
    from hepexp.config.command_line import read

    own = [arg for arg in args if arg.startswith(("sweep=", "sweep."))]
    rest = [arg for arg in args if arg not in own]
    if "--resume" in rest:
        return own, rest
    line = read(rest)
    if "--multirun" in line.values:
        raise ConfigError("-m has no meaning here: a sweep is many runs already; give sweep.space.KEY=choice(...)")
    for flag in line.values.keys() - {"--config-dir"}:
        raise ConfigError(f"{flag} has no meaning for a sweep; see: hepexp sweep --help")
    folders = [part for folder in line.config_dirs for part in ("--config-dir", str(folder.resolve()))]
    return own, [*folders, *line.overrides]


def _options(own: list[str], among: tuple[str, ...] | None = None) -> SweepOptions:
    """The options of the group `sweep` with what was typed.

    Parameters
    ----------
    among : keys that may be typed; None for all.
    """
    import yaml

    from hepexp.config import catalog, schema, yaml_file
    from hepexp.config.build import instantiate
    from hepexp.config.command_line import translate

    searched = catalog.folders()
    option = next((arg.partition("=")[2] for arg in own if arg.startswith("sweep=")), "default")
    node: dict[str, Any] = yaml_file.load(catalog.find("sweep", option, searched))
    node["space"] = dict(node.get("space") or {})
    for arg in own:
        key, sign, value = arg.partition("=")
        key = key.removeprefix("sweep").removeprefix(".")
        if not key:
            continue
        if not sign:
            raise ConfigError(f"cannot read '{arg}': expected sweep.KEY=VALUE, e.g. sweep.trials=20")
        if among is not None and key.partition(".")[0] not in among:
            raise ConfigError(f"sweep.{key} cannot be changed now; {', '.join(f'sweep.{k}' for k in among)} can")
        if key == "space.":
            raise ConfigError(f"cannot read '{arg}': expected sweep.space.KEY=FORM, with a key of the configuration")
        if key.startswith("space."):
            node["space"][translate([key.removeprefix("space.")])[0]] = value
        else:
            try:
                node[key] = yaml.safe_load(value) if value else None
            except yaml.YAMLError as error:
                raise ConfigError(
                    f"cannot read the value of '{arg}': expected a YAML value, e.g. sweep.trials=20"
                ) from error
    schema.check(node, "sweep", option)
    return instantiate(node, "sweep")


def _check(base: list[str], dimensions: tuple[Dimension, ...]) -> list[DictConfig]:
    """Composed configs that have every choice of every key; wrong overrides, keys and choices are refused here."""
    from hepexp.config.command_line import read
    from hepexp.config.overrides import compose

    examples = (
        [*base, *(dimension.override(dimension.values[place % len(dimension.values)]) for dimension in dimensions)]
        for place in range(max(len(dimension.values) for dimension in dimensions))
    )
    return [compose(read(example)) for example in examples]


def _check_trial(config: DictConfig, base: list[str], metrics: Sequence[str]) -> None:
    """Refuse, before anything is made, what every trial would be refused for."""
    from hepexp.learning.experiment import checked, freeze
    from hepexp.sweep.directions import refuse_unknown

    components = checked(freeze(config, config.hydra.runtime.choices), base)
    refuse_unknown(metrics, components.module.objective.evaluator.figures_of_an_epoch())


def _plan(options: SweepOptions, base: list[str], dimensions: tuple[Dimension, ...], configs: list[DictConfig]) -> Plan:
    from hepexp.config import kind, targets
    from hepexp.sweep.directions import directions_of
    from hepexp.sweep.options import TRIALS
    from hepexp.sweep.space import cells
    from hepexp.sweep.study import Plan

    trials = options.trials or TRIALS
    if options.sampler == "grid":
        grid = len(cells(dimensions))
        trials = min(options.trials or grid, grid)
    if options.sampler == "cmaes" and sum(dimension.kind != "choice" for dimension in dimensions) < 2:
        raise ConfigError("sweep.sampler=cmaes needs two keys or more with log, uniform or int; take tpe")
    config = configs[0]
    metrics, directions = options.metrics, options.directions
    if not metrics:
        metric, mode = targets.load(config.loss._target_, kind.of_group("loss")).monitor
        metrics, directions = [metric], directions or [{"min": "minimize", "max": "maximize"}[mode]]
    for found in configs if options.metrics else ():
        directions = directions_of(metrics, options.directions, found.loss._target_, found.get("evaluation"))
    return Plan(
        base=[word for word in base if not word.startswith(REGISTER)],
        space={dimension.key: str(dimension) for dimension in dimensions},
        metrics=metrics,
        directions=directions,
        trials=trials,
        sampler=options.sampler,
        pruner=options.pruner,
        seed=options.seed,
        experiment=config.experiment,
        max_epochs=config.trainer.max_epochs,
        uri=config.tracking.uri,
        register=config.tracking.register,
    )


def _resume(own: list[str], rest: list[str]) -> int:
    """Resume a sweep by its name, with jobs of a cluster where it had some."""
    from hepexp.config.paths import runs_dir
    from hepexp.sweep.cluster_jobs import ClusterJobs
    from hepexp.sweep.run import run
    from hepexp.sweep.storage import VARIABLE, address, open_storage
    from hepexp.sweep.storage_note import FILE, address_in, holds, server
    from hepexp.sweep.study import load_study, plan_of, set_trials
    from hepexp.tracking import known_servers

    names = [arg for arg in rest if arg != "--resume"]
    if len(names) != 1:
        raise ConfigError(
            "expected hepexp sweep --resume NAME [sweep.trials=N sweep.jobs=N sweep.storage=URL sweep.space.KEY=FORM]"
        )
    folder = runs_dir() / "sweeps" / names[0]
    jobs = ClusterJobs.read(folder)
    if jobs and not any(arg.startswith("sweep.launcher=") for arg in own):
        if jobs.commands:
            raise ConfigError(
                f"the jobs of {names[0]} were submitted with {jobs.commands[0]}, which runs commands: type it again, "
                f"sweep.launcher={jobs.launcher} 'sweep.cluster={{{jobs.commands[0]}: ...}}'"
            )
        before = [f"sweep.launcher={jobs.launcher}", f"sweep.cluster={json.dumps(jobs.cluster)}"]
        own = [*before, f"sweep.jobs={len(jobs.ids)}", *own]
    options = _options(own, among=RESUMABLE)
    given = options.storage or address_in(folder)
    if given and not options.storage and not holds(given, names[0]):
        raise ConfigError(f"{folder / FILE} names {given}, which has no sweep {names[0]!r}; give sweep.storage=...")
    if not given and VARIABLE not in os.environ and (there := server(folder)):
        raise ConfigError(
            f"sweep {names[0]} is kept in {there}: give sweep.storage=... or ${VARIABLE} with its password"
        )
    url = address(given)
    storage = open_storage(url, make=False)
    study = load_study(storage, names[0])
    if options.space:
        study = _widened(storage, study, options.space)
    if options.trials is not None:
        set_trials(study, options.trials)
    return run(names[0], options, study, url, known_servers.own_wish(folder, plan_of(study).register))


def _widened(storage: BaseStorage, study: Study, space: dict[str, str]) -> Study:
    """The study with other bounds, more choices or new keys."""
    from hepexp.sweep.space import read_space, with_whole_numbers
    from hepexp.sweep.space_change import ValuesBefore, change_space, merged
    from hepexp.sweep.study import plan_of

    plan, given = plan_of(study), read_space(space)
    groups = [dimension for dimension in plan.dimensions if dimension.kind == "choice" and dimension.key not in space]
    typed = [dimension for dimension in with_whole_numbers(plan.base, [*groups, *given]) if dimension.key in space]
    dimensions = merged(plan.dimensions, typed)
    _check(plan.base, dimensions)
    if dimensions == plan.dimensions:
        return study
    return change_space(storage, study, dimensions, ValuesBefore(plan.base, dimensions))
