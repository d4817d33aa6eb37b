"""hepexp study: many runs described by one file; resumable, with one table and one figure at its end."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.cli.parser import Parser, at_least
from hepexp.config import catalog, schema, yaml_file
from hepexp.errors import ConfigError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hepexp.cli.study_job import StudyJob
    from hepexp.study.folder import StudyFolder
    from hepexp.study.plan import Plan

MOST_JOBS_A_CORE = 16  # each is a process with torch in it, 300 MB
MOST_LAUNCHES = 5  # of what is left once the launcher has lost jobs, as when memory runs out
MOST_SHOWN = 12  # tables that a screen is for; those of every task are more than a hundred
HELP = """\
hepexp study [NAME] [KEY=VALUE ...] [-j N] [--dry-run]      run a study: many runs that one file describes

  hepexp study                                             the studies there are; hepexp show study=NAME: one of them
  hepexp study top_table data=jetclass -j 2                every run of the study, on this data set, two at a time
  hepexp study equivariance_study dataset.n_train=500,1000 seeds=2 trainer=quick
  hepexp study equivariance_study --dry-run                the command of every run, each of which can be typed

  KEY=VALUE            for every run, in place of what the file says; of an axis or of seed also several values
  seeds=N              seed=1,...,N
  -j N, --jobs N       so many runs at a time; or hydra/launcher=submitit_slurm ...
  --table              the table and the figure of the runs that are done by now; nothing is trained
  --dry-run            print the commands and stop
  --config-dir DIR     a conf folder of your own, in addition to the shipped one

The same command again resumes runs that were interrupted, retries those that failed, and skips those that are done;
runs whose settings have changed since, in the file or in others under conf/, are done again. Other KEY=VALUE are other
runs, in a folder of their own. Results: runs/studies/NAME/ (table.md, table.csv, runs.csv, a figure, and
published.md, the figures beside published ones)."""


def main(args: list[str]) -> int:
    if {"--help", "-h"} & set(args):
        print(HELP)
        return 0
    parser = Parser(prog="hepexp study")
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("-j", "--jobs", metavar="N", type=at_least(1), default=1)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--config-dir", metavar="DIR")
    words = [arg for arg in args if not arg.startswith("-") and ("=" in arg or arg.startswith("~"))]
    given = parser.parse_args([arg for arg in args if arg not in words])
    folders = [Path(given.config_dir)] if given.config_dir else []
    searched = catalog.folders(folders)
    if given.name is None:
        if words:
            raise ConfigError(f"which study? hepexp study NAME {words[0]}; hepexp study lists them")
        return _list(searched)
    plan = _plan(given.name, words, {"--config-dir": given.config_dir} if folders else {}, searched)

    from hepexp.study.folder import StudyFolder, folder_of

    folder = StudyFolder(folder_of(plan))
    if given.dry_run:
        return _show(plan, folder)
    if given.table:
        return _finish(plan, folder)
    launcher = _launcher(given.jobs, plan.typed.launcher)
    with _alone(folder.path, plan):
        return _run(plan, folder, launcher, given.jobs > 1)


def _list(searched: list[Path]) -> int:
    from hepexp.cli.console import console, table

    rows = [[name, yaml_file.description(path)] for name, path in catalog.options("study", searched).items()]
    console().print(table(rows or [["(none)", ""]], styles=["bold", ""]))
    return 0


def _plan(name: str, words: list[str], flags: dict[str, str], searched: list[Path]) -> Plan:
    node = yaml_file.load(catalog.find("study", name, searched))
    schema.check(node, "study", name)
    from hepexp.config.build import instantiate
    from hepexp.config.command_line import CommandLine, translate
    from hepexp.study.plan import make_plan
    from hepexp.study.typed import Typed

    typed = Typed.read(CommandLine(flags, translate(words)))
    return make_plan(name, instantiate(node, "study"), typed)


def _show(plan: Plan, folder: StudyFolder) -> int:
    """Print the command of every run; the shell takes those of runs that are done as comments."""
    from hepexp.learning.multirun import FINISHED

    counted = {"done": 0, "to resume": 0, "to begin": 0}
    for run in plan.runs:
        done, resumed = folder.job(run).status == FINISHED, folder.is_interrupted(run)
        counted["done" if done else "to resume" if resumed else "to begin"] += 1
        print(f"# done: {plan.command(run)}" if done else plan.command(run))
    told = ", ".join(f"{n} {what}" for what, n in counted.items() if n)
    print(f"study   {plan.name}: {len(plan.runs)} runs, {told}; folder {folder.path}", file=sys.stderr)
    _warn(plan)
    return 0


def _warn(plan: Plan) -> None:
    """Say before the training that there will be tables only, as long as it can be stopped."""
    if plan.undrawable:
        print(f"hepexp: warning: no figure: {plan.undrawable}", file=sys.stderr)


def _launcher(jobs: int, typed: list[str]) -> list[str]:
    """Overrides of Hydra's own keys."""
    cores = os.cpu_count() or 1
    if jobs > MOST_JOBS_A_CORE * cores:
        raise ConfigError(
            f"-j {jobs} is more than {MOST_JOBS_A_CORE} processes for each of the {cores} cores here; take "
            f"{MOST_JOBS_A_CORE * cores} or fewer, or hydra/launcher=submitit_slurm"
        )
    if jobs > 1 and typed:
        raise ConfigError(f"-j {jobs} is for processes of this machine: leave it out, or {typed[0]}")
    return ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={jobs}"] if jobs > 1 else typed


@contextmanager
def _alone(path: Path, plan: Plan) -> Iterator[None]:
    """No second process may run the same study at the same time."""
    from filelock import FileLock, Timeout

    from hepexp.study.folder import LOCK

    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(
            f"study {plan.name} is running already, in {path}; its table so far: {plan.own_command} --table"
        ) from None
    try:
        yield
    finally:
        lock.release()
        if [file.name for file in path.iterdir()] == [LOCK]:  # nothing has come of it
            shutil.rmtree(path, ignore_errors=True)


def _run(plan: Plan, folder: StudyFolder, launcher: list[str], quiet: bool) -> int:
    """Launch the runs that are not done, then show the results."""
    from hepexp.cli.study_job import StudyJob
    from hepexp.learning.multirun import FAILED, FINISHED
    from hepexp.tracking import known_servers

    for line in _changed(plan, folder):
        print(f"hepexp: {line}", file=sys.stderr)
    tried: set[int] = set()
    for _ in range(MOST_LAUNCHES):
        left = [run for run in plan.runs if folder.job(run).status != FINISHED]
        for run in left:
            known_servers.remember_typed(run.words)
        left = [run for run in left if not (folder.find(run) in tried and folder.job(run).status == FAILED)]
        done = len(plan.runs) - len(left)
        if not tried:
            print(f"study   {plan.name}: {done} of {len(plan.runs)} runs done, folder {folder.path}", file=sys.stderr)
            _warn(plan)
        if not left:
            break
        resumed = {k: folder.job(run).run for k, run in enumerate(left) if folder.is_interrupted(run)}
        numbers = folder.begin(left)
        job = StudyJob(numbers, [f"{run.row} seed={run.seed}" for run in left], resumed, quiet, time.time())
        whole = _launched(plan, folder, launcher, job, [run.words for run in left])
        tried |= set(numbers)
        if whole:
            break
    return _finish(plan, folder)


def _launched(plan: Plan, folder: StudyFolder, launcher: list[str], job: StudyJob, words: list[list[str]]) -> bool:
    """Whether the launcher came to its end; what it lost otherwise can be launched again.

    Raises
    ------
    ConfigError : the launcher refuses its values; no run has begun.
    """
    from hepexp.cli import hydra_app
    from hepexp.config.command_line import CommandLine
    from hepexp.interrupts import Interrupts

    line = CommandLine(dict(plan.typed.flags), launcher)
    try:
        with Interrupts():
            hydra_app.run_list(line, folder.path, job, words)
    except (Interrupted, KeyboardInterrupt):
        print(f"hepexp: resume with: {plan.own_command}", file=sys.stderr)
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if not any(job.has_reported(folder.path, number) for number in job.numbers):
            raise ConfigError(f"the launcher of the runs failed: {reason}; see hydra.launcher...") from error
        print(f"hepexp: the launcher of the runs failed: {reason}", file=sys.stderr)
        return False
    return True


def _changed(plan: Plan, folder: StudyFolder) -> list[str]:
    """A line where runs were made with other settings than the files give now."""
    found = {key: None for run in plan.runs for key in folder.changed(run)}
    n = sum(bool(folder.changed(run)) for run in plan.runs)
    shown = ", ".join([*found][:3]) + (" and others" if len(found) > 3 else "")
    return [f"{n} runs were made with other values of {shown}, and are done again"] if n else []


def _finish(plan: Plan, folder: StudyFolder) -> int:
    """Write and print the results; 1 if runs are missing."""
    from hepexp.console import console
    from hepexp.learning.multirun import FINISHED
    from hepexp.study.results import Results, write

    jobs = [folder.job(run) for run in plan.runs]
    missing = [job for job in jobs if job.status != FINISHED]
    if all(job.refused for job in jobs):
        raise ConfigError(f"every run of study {plan.name} was refused before it began: {jobs[0].error}")
    results = Results(plan, jobs)
    folder.path.mkdir(parents=True, exist_ok=True)
    tables, files, why = write(results, folder.path)
    shown = tables if len(tables) <= MOST_SHOWN else []
    for table in shown:
        console().print(table.terminal())
    if tables and not shown:
        print(f"hepexp: table.md has {len(tables)} tables, one for each kind of run and test set", file=sys.stderr)
    for line in () if shown else results.unfinished():
        print(f"hepexp: {line}", file=sys.stderr)
    if why:
        print(f"hepexp: no figure: {why}", file=sys.stderr)
    print(f"results {folder.path}: {', '.join(file.name for file in files)}", file=sys.stderr)
    if missing:
        print(f"hepexp: {len(missing)} of {len(jobs)} runs are left; again: {plan.own_command}", file=sys.stderr)
    return 1 if missing else 0
