"""hepexp train -m: many jobs by Hydra's launchers; one that fails does not stop the others."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hepexp.atomic import write_text
from hepexp.cli import hydra_app
from hepexp.config.command_line import CommandLine, translate
from hepexp.config.compose import Composer, plain
from hepexp.config.grammar import parse
from hepexp.config.overrides import compose
from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError, HepexpError, Interrupted
from hepexp.interrupts import Interrupts
from hepexp.learning.multirun import (
    FAILED,
    FINISHED,
    JOBS,
    KILLED,
    LOST,
    UNFINISHED,
    MultirunJob,
    find,
    plan,
    read,
    refuse_running,
    running,
)
from hepexp.outputs import enduring
from hepexp.spelling import visible
from hepexp.tracking import known_servers, write_guard
from hepexp.tracking.initial_weights import pinned, pinned_files
from hepexp.tracking.mlflow_store import StillWritten
from hepexp.tracking.run_folder import new_folder

log = logging.getLogger("hepexp")

if TYPE_CHECKING:
    from hepexp.learning.experiment import Result

HYDRAS = "multirun.yaml"  # which Hydra writes before it launches the jobs
AGGREGATED = "aggregated.csv"


def start(line: CommandLine) -> int:
    """Run every combination of the given values; return the exit code, 1 if a job did not finish."""
    config = compose(line)
    known_servers.remember(config.tracking.uri)
    line = replace(line, overrides=pinned_files(pinned(line.overrides), config.get("model") or {}))
    parsed = parse(line.overrides, Composer(line.config_dirs).loader)
    jobs = BasicSweeper.split_arguments([override for override in parsed if not override.is_hydra_override()], None)[0]
    folder = _new_folder(config)
    return _launch(folder, jobs, lambda: hydra_app.run_grid(line, folder, job))


def rerun(text: str, line: CommandLine) -> int:
    """The jobs of a previous multirun that did not finish, as a new multirun."""
    tracked = [word for word in line.overrides if word.startswith("tracking.")]
    if others := [word for word in line.overrides if not word.startswith("hydra") and word not in tracked]:
        raise ConfigError(
            f"--rerun-failed repeats the jobs unchanged: leave out {others[0]!r}; only hydra/... and tracking.KEY can "
            "be given"
        )
    known_servers.remember(compose(line).tracking.uri)
    folder = find(text)
    before = read(folder)
    refuse_running(folder, before)
    jobs = [_without_wishes(job.overrides, tracked) for job in before if job.status != FINISHED]
    configs = []
    for words in jobs:
        # the folder may be somebody else's; only the command line may say what Hydra does
        if foreign := [word for word in words if word.lstrip("+~").startswith(("hydra", "-"))]:
            raise ConfigError(f"{folder}: a job must not set {foreign[0]!r}; only GROUP=OPTION and KEY=VALUE")
        configs.append(compose(CommandLine(line.values, translate(words))))
    if not jobs:
        print("nothing to rerun: every job of the multirun has finished")
        return 0
    folder = _new_folder(configs[0])
    return _launch(folder, jobs, lambda: hydra_app.run_list(line, folder, job, jobs))


def _without_wishes(words: list[str], typed: list[str]) -> list[str]:
    """The overrides of a job, which may be somebody else's: what is registered is up to what is typed now."""
    wish = next((word for word in words if word.lstrip("+").startswith(f"{known_servers.REGISTER}=")), None)
    if wish and not any(word.startswith(f"{known_servers.REGISTER}=") for word in typed):
        log.warning("%s of the multirun is not followed; type it to register", wish)
    return [*(word for word in words if word != wish), *typed]


def job(config: DictConfig) -> None:
    """One job: its outcome is written to the folder of the multirun."""
    hydra_config = HydraConfig.get()
    folder, number = Path(hydra_config.sweep.dir), hydra_config.job.num
    overrides = list(hydra_config.overrides.task)
    with enduring():  # of a launcher's process, which is not that of the command
        done = attempt(folder, number, overrides, lambda started: hydra_app.train_job(config, started))
        if done.status != FINISHED:
            print(visible(f"hepexp: job {number} failed: {done.error}"), file=sys.stderr, flush=True)


def attempt(
    folder: Path, number: int, overrides: list[str], train: Callable[[Callable[[str], None]], Result], run: str = ""
) -> MultirunJob:
    """Train, and report what became of it; only an interruption is raised.

    Parameters
    ----------
    folder : of the multirun.
    number, overrides : of the job.
    train : given what to call with the label of the run once it has its folder.
    run : the label, where it is known before.

    Returns
    -------
    The report.
    """
    begun = [run] if run else []

    def report(
        status: str, error: str = "", refused: bool = False, metrics: Mapping[str, Any] | None = None
    ) -> MultirunJob:
        label = begun[-1] if begun else ""
        job = MultirunJob(number, overrides, status, label, error, dict(metrics or {}), refused)
        job.write(folder)
        return job

    def started(label: str) -> None:
        begun.append(label)
        report(LOST, UNFINISHED)  # unless it ends in a way that can be reported

    try:
        result = train(started)
    except Interrupted as error:
        report(KILLED, f"killed by {error}")
        raise
    except Exception as error:
        line = str(error).splitlines()[0] if str(error) else "no message"
        reason = line if isinstance(error, HepexpError) else f"{type(error).__name__}: {line}"
        status = LOST if isinstance(error, StillWritten) else FAILED
        return report(status, reason, isinstance(error, ConfigError) and not begun)
    begun.append(result.folder.label)
    return report(FINISHED, metrics=result.metrics)


def _new_folder(config: DictConfig) -> Path:
    """A new folder runs/<experiment>/<time>_multirun."""
    parent = runs_dir().resolve() / plain(config)["experiment"]
    write_guard.refuse_way_out(parent)
    parent.mkdir(parents=True, exist_ok=True)
    return new_folder(parent, f"{datetime.now():%Y-%m-%d_%H-%M-%S}_multirun")


def _launch(folder: Path, jobs: list[list[str]], run: Callable[[], None]) -> int:
    """Run the jobs, then show the table of all of them.

    Raises
    ------
    ConfigError : the launcher refuses its values; no job has begun, and the folder of the multirun is removed.
    """
    plan(folder, jobs)
    try:
        with running(folder), Interrupts():
            run()
    except (Interrupted, KeyboardInterrupt):
        _report(folder)
        raise
    except Exception as error:  # the jobs that the launcher lost are in the table
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        if {file.name for file in folder.iterdir()} <= {JOBS, HYDRAS}:
            _remove(folder)
            raise ConfigError(f"the launcher of the jobs failed: {line}; see hydra.launcher...") from error
        print(visible(f"hepexp: the launcher of the jobs failed: {line}"), file=sys.stderr)
    return _report(folder)


def _report(folder: Path) -> int:
    """Show the table of all jobs; remove the folder of the multirun if every job was refused before it began."""
    from hepexp.cli.console import console
    from hepexp.evaluation.tables import jobs_table

    results = read(folder)
    console().print(jobs_table(results))
    if all(result.refused for result in results):
        _remove(folder)
        print("hepexp: error: every job was refused before it began; nothing is recorded", file=sys.stderr)
        return ConfigError.exit_code
    _aggregate(folder, results)
    if missing := [result for result in results if result.status != FINISHED]:
        print(
            f"{len(missing)} of {len(results)} jobs did not finish; to rerun them: "
            f"hepexp train -m --rerun-failed {quote(str(folder))}"
        )
    return 1 if missing else 0


def _remove(folder: Path) -> None:
    """Remove the folder of a multirun, and that of the experiment if it is then empty."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()


def _aggregate(folder: Path, jobs: list[MultirunJob]) -> None:
    """Mean and spread over the seeds of each setting: the usual metrics on the terminal, every metric in a file."""
    from hepexp.cli.console import console
    from hepexp.compare.columns import Column, columns, has
    from hepexp.compare.groups import group
    from hepexp.compare.sections import sections
    from hepexp.compare.select import select
    from hepexp.compare.table import Table, as_csv
    from hepexp.metric import is_beside

    if not any(job.status == FINISHED for job in jobs):
        return
    found = sections(select([str(folder)])[0])
    usual, whole = [], []
    for section in found:
        groups = group(section.records)
        title = section.title if len(found) > 1 else ""
        usual.append(Table(groups, columns(groups), title=title))
        every = dict.fromkeys(key for record in section.records for key in record.metrics if has(record.metrics, key))
        whole.append(Table(groups, [Column(key) for key in every if not is_beside(key)], title=title))
    if any(len(row.records) > 1 for table in usual for row in table.groups):
        for table in usual:
            console().print(table.terminal())
        write_text(folder / AGGREGATED, as_csv(whole))
        print(
            f"every metric over seeds: {folder / AGGREGATED}; to compare settings: hepexp compare {quote(str(folder))}"
        )
