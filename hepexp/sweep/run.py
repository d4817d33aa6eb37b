"""Run a sweep: workers here or on a cluster, followed to the end of its trials, and what came of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.config.paths import runs_dir
from hepexp.console import console
from hepexp.errors import ConfigError, HepexpError
from hepexp.evaluation.rounding import number
from hepexp.interrupts import Interrupts
from hepexp.sweep import summary
from hepexp.sweep.cluster_jobs import ClusterJobs, ClusterWorker
from hepexp.sweep.local_workers import SweepWorkers
from hepexp.sweep.lost_trials import requeue_lost
from hepexp.sweep.parent_run import ParentRun
from hepexp.sweep.progress import follow
from hepexp.sweep.storage import masked, reached
from hepexp.sweep.storage_note import write_note
from hepexp.sweep.study import completed, counted, is_wanted, plan_of
from hepexp.tracking import write_guard
from hepexp.tracking.run_folder import RunFolder

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from hepexp.sweep.options import SweepOptions


def run(name: str, options: SweepOptions, study: Study, url: str, register: str | None) -> int:
    """Let workers run the trials of a sweep, and print the results.

    Parameters
    ----------
    url : address of the storage.
    register : name under which the best trial's model is registered; None for none, whatever the plan says.

    Returns
    -------
    The exit code: 1 if trials are left or none finished.

    Raises
    ------
    Interrupted : SIGINT or SIGTERM; the sweep can be resumed.
    ConfigError : the cluster refuses the jobs.
    HepexpError : the storage cannot be reached.
    """

    folder = runs_dir() / "sweeps" / name
    write_guard.refuse_way_out(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_guard.refuse_links_out(folder)  # e.g. in place of a worker's log
    write_note(url, folder)
    with reached(url), Interrupts() as interrupts:
        if again := requeue_lost(study):
            print(f"hepexp: trials {', '.join(map(str, again))} were killed and are queued again", file=sys.stderr)
        plan = replace(plan_of(study), register=register)
        done = sum(trial.state.is_finished() for trial in counted(study))
        print(f"sweep   {name}: {done} of {plan.trials} trials done, storage {masked(url)}", file=sys.stderr)
        with interrupts.held():  # a run that is made and not known would stay RUNNING
            parent = ParentRun(name, plan, folder)
        try:
            interrupts.check()
            _work(name, options, study, url, parent.run_id, folder)
            requeue_lost(study)
            return _finish(study, folder, parent, register)
        except BaseException as error:
            with interrupts.held():
                parent.finish("KILLED", reason=f"{type(error).__name__}: {error}")
            if not isinstance(error, ConfigError):
                print(f"hepexp: resume with: hepexp sweep --resume {name}", file=sys.stderr)
            raise


def _work(name: str, options: SweepOptions, study: Study, url: str, run_id: str, folder: Path) -> None:
    """Start workers if trials are left, and follow all trials until they end."""
    if options.launcher == "local":
        number = min(options.jobs, plan_of(study).trials) if is_wanted(study) else 0
        with SweepWorkers(name, url, run_id, number, folder) as workers:
            follow(study, workers.are_going)
        return
    jobs = ClusterJobs.read(folder)
    if is_wanted(study) and not (jobs and jobs.are_going()):
        worker = ClusterWorker(name, run_id)
        jobs = ClusterJobs.submit(options.launcher, options.cluster, worker, options.jobs, url, folder)
    if jobs:
        print(f"jobs    {', '.join(jobs.ids)}, logs {jobs.logs}", file=sys.stderr)
    try:
        follow(study, lambda: jobs is not None and jobs.are_going())
    except BaseException:
        if jobs and jobs.are_going():
            print(f"hepexp: the jobs continue; to cancel them: {jobs.command_to_end}", file=sys.stderr)
        raise


def _register(name: str, trials: list[FrozenTrial]) -> None:
    """Register the model of the best trial, or with several metrics those on the Pareto front."""
    from hepexp.learning.registration import register_run  # takes seconds (torch), which few sweeps need

    for trial in trials:
        label = trial.user_attrs["run"]
        try:
            print(f"registered  {label} as version {register_run(RunFolder.find(label), name)} of {name}")
        except HepexpError as error:  # its run may be on another machine
            print(f"hepexp: warning: trial {trial.number} is not registered: {error}", file=sys.stderr)


def _finish(study: Study, folder: Path, parent: ParentRun, register: str | None) -> int:
    """Write and print the results."""
    summary.write(study, folder)
    console().print(summary.trials_table(study))
    plan, trials = plan_of(study), counted(study)
    for place, metric in enumerate(plan.metrics):
        if shares := summary.importances(study, place):
            of = f" for {metric}" if len(plan.metrics) > 1 else ""
            print(f"importance{of}  " + "  ".join(f"{key} {number(share)}" for key, share in shares.items()))
    for command in summary.best_commands(study):
        print(f"best        {command}")
    print(f"results     {folder}")
    done = len(completed(study))
    best = {f"best/{metric}": value for metric, value in summary.best_values(study).items()}
    parent.log({"trials": done, "front": len(summary.best(study)), **best})
    parent.describe(summary.description(study))
    parent.finish("FINISHED" if done else "FAILED", reason=None if done else "no trial finished")
    if register and done:
        _register(register, summary.best(study))
    if left := plan.trials - sum(trial.state.is_finished() for trial in trials):
        print(
            f"hepexp: {left} of {plan.trials} trials are left, as the workers ended early: see their logs in "
            f"{folder}, then resume with: hepexp sweep --resume {folder.name}",
            file=sys.stderr,
        )
    elif not done:
        print("hepexp: no trial finished", file=sys.stderr)
    return 1 if left or not done else 0
