"""hepexp sweep: a search over keys by Optuna; it survives interruptions, and several machines can work on it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from hepexp.sweep.options import SweepOptions
    from hepexp.sweep.study import Plan

RESUMABLE = ("trials", "jobs", "storage", "launcher", "cluster")
HELP = """\
hepexp sweep [GROUP=OPTION | KEY=VALUE] ... sweep.space.KEY=FORM ... [sweep.KEY=VALUE] ...

  hepexp sweep model=particlenet data=qg 'sweep.space.optimizer.lr=log(1e-4,1e-2)' sweep.trials=20
  hepexp sweep sweep=learning_rate model=pfn sweep.jobs=2 sweep.pruner=median     a space from a file
  hepexp sweep --resume NAME [sweep.trials=N sweep.jobs=N]     go on, here or on another machine (sweep.storage=...)

  FORM            log(a,b)  uniform(a,b)  int(a,b)  choice(x,y,...)
  KEY             of the configuration, or a group: 'sweep.space.model=choice(pfn,particlenet)'
  sweep.KEY       name, trials, jobs, metric, direction, sampler, pruner, storage, launcher: hepexp show sweep=default

Every trial is a run with its own record, a child of the sweep's run in MLflow. A trial that fails is in the table, and
the others go on. Results: runs/sweeps/NAME/ (trials.csv, best.txt, figures)."""


def main(args: list[str]) -> int:
    if {"--help", "-h"} & set(args) or not args:
        print(HELP)
        return 0
    own, base = _split(args)
    if "--resume" in base:
        return _resume(own, base)
    options = _options(own)
    from hepexp.sweep.space import read_space

    dimensions = read_space(options.space)
    for dimension in dimensions:
        if options.sampler == "grid":
            _ = dimension.grid
    config = _check(base, [dimension.override(dimension.values[0]) for dimension in dimensions])
    chosen = config.hydra.runtime.choices
    name = options.name or f"{chosen['model']}_{chosen['dataset']}_{datetime.now():%Y-%m-%d_%H-%M-%S}"
    return _run(name, options, _plan(options, base, config))


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    """What is the sweep's own, and the rest, which is as for `train`."""
    own = [arg for arg in args if arg.startswith(("sweep=", "sweep."))]
    if flag := next((arg for arg in args if arg in ("-m", "--multirun")), None):
        raise ConfigError(f"{flag} has no meaning here: a sweep is many runs already; give sweep.space.KEY=choice(...)")
    return own, [arg for arg in args if arg not in own]


def _options(own: list[str], among: tuple[str, ...] | None = None) -> SweepOptions:
    """The options of the group `sweep` with what was typed.

    Parameters
    ----------
    among : keys that may be typed; None for all.
    """
    import yaml

    from hepexp.config import catalog, schema, yaml_file
    from hepexp.config.build import instantiate

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
        if among is not None and key not in among:
            raise ConfigError(f"sweep.{key} cannot change now; {', '.join(f'sweep.{k}' for k in among)} can")
        if key.startswith("space."):
            node["space"][_group(key.removeprefix("space."))] = value
        else:
            node[key] = yaml.safe_load(value) if value else None
    schema.check(node, "sweep", option)
    return instantiate(node)


def _group(key: str) -> str:
    from hepexp.config.alias import translate

    return translate([key])[0]


def _check(base: list[str], example: list[str]) -> DictConfig:
    """The composed config of a first trial; wrong overrides and keys are refused here."""
    from hepexp.config import front
    from hepexp.config.compose import Composer

    return Composer([]).compose(front.prepare([*base, *example]))


def _plan(options: SweepOptions, base: list[str], config: DictConfig) -> Plan:
    from hepexp.config import targets
    from hepexp.sweep.study import Plan

    metrics, directions = options.metrics, options.directions
    if not metrics:
        metric, mode = targets.load(config.loss._target_).monitor
        metrics, directions = [metric], directions or [{"min": "minimize", "max": "maximize"}[mode]]
    return Plan(
        base=base,
        space={key: str(text) for key, text in options.space.items()},
        metrics=metrics,
        directions=directions,
        trials=options.trials,
        sampler=options.sampler,
        pruner=options.pruner,
        seed=options.seed,
        experiment=config.experiment,
        max_epochs=config.trainer.max_epochs,
    )


def _resume(own: list[str], rest: list[str]) -> int:
    """Go on with a sweep by its name."""
    from dataclasses import replace

    from hepexp.sweep.study import default_storage, load_study, open_storage, plan_of, write_plan

    names = [arg for arg in rest if arg != "--resume"]
    if len(names) != 1:
        raise ConfigError("expected hepexp sweep --resume NAME [sweep.trials=N sweep.jobs=N sweep.storage=URL]")
    options = _options(own, among=RESUMABLE)
    study = load_study(open_storage(options.storage or default_storage()), names[0])
    plan = plan_of(study)
    if any(arg.startswith("sweep.trials=") for arg in own):
        plan = replace(plan, trials=options.trials)
        write_plan(study, plan)
    return _run(names[0], options, plan)


def _run(name: str, options: SweepOptions, plan: Plan) -> int:
    """Make or find the study, let workers do it, and say what came of it; 1 where no trial finished."""
    from dataclasses import replace

    from hepexp.config.paths import runs_dir
    from hepexp.sweep.launch import cluster, local
    from hepexp.sweep.progress import follow
    from hepexp.sweep.study import counted, default_storage, make_study, open_storage, plan_of, requeue_dead, write_plan
    from hepexp.tracking.mlflow_store import MlflowRun

    storage = options.storage or default_storage()
    study = make_study(open_storage(storage), name, plan)
    folder = runs_dir() / "sweeps" / name
    folder.mkdir(parents=True, exist_ok=True)
    if again := requeue_dead(study):
        print(f"hepexp: trials {', '.join(map(str, again))} were killed and are queued again", file=sys.stderr)
    done = sum(trial.state.is_finished() for trial in counted(study))
    print(f"sweep   {name}: {done} of {plan.trials} trials done, storage {storage}", file=sys.stderr)
    run = MlflowRun.start(
        experiment=plan.experiment,
        name=name,
        params={"sweep": {"space": plan.space, "base": plan.base, "trials": plan.trials, "sampler": plan.sampler}},
        tags={"kind": "sweep"},
        folder=folder,
        run_id=plan_of(study).parent or None,
    )
    write_plan(study, replace(plan_of(study), parent=run.run_id))
    try:
        if options.launcher == "local":
            with local(name, storage, options.jobs, folder) as workers:
                follow(study, lambda: any(worker.poll() is None for worker in workers))
        else:
            jobs = cluster(options.launcher, name, storage, options.jobs, folder, options.cluster)
            print(f"submitted {len(jobs)} jobs: {', '.join(job.job_id for job in jobs)}", file=sys.stderr)
            follow(study, lambda: any(not job.done() for job in jobs))
    except BaseException:
        run.finish("KILLED", reason="interrupted")
        print(f"hepexp: go on with: hepexp sweep --resume {name}", file=sys.stderr)
        raise
    return _finish(study, folder, run)


def _finish(study: Any, folder: Path, run: Any) -> int:
    from hepexp.cli.console import console
    from hepexp.evaluation.rounding import number
    from hepexp.sweep import summary
    from hepexp.sweep.study import counted, plan_of

    summary.write(study, folder)
    console().print(summary.trials_table(study))
    commands = summary.best_commands(study)
    if shares := summary.importances(study):
        print("importance  " + "  ".join(f"{key} {number(share)}" for key, share in shares.items()))
    for command in commands:
        print(f"best        {command}")
    print(f"results     {folder}")
    finished = [trial for trial in counted(study) if trial.values is not None]
    if len(finished) and len(plan_of(study).metrics) == 1:
        run.log_metrics({f"best/{plan_of(study).metrics[0]}": study.best_value, "trials": len(finished)})
    run.finish("FINISHED" if finished else "FAILED")
    if len(counted(study)) < plan_of(study).trials or not finished:
        print(f"hepexp: the workers ended early; see {folder}/worker_*.log", file=sys.stderr)
        return 1
    return 0
