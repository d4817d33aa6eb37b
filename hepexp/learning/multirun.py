"""The jobs of a multirun: one file each, so that every launcher, here or on a cluster, reports in the same way."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hepexp.atomic import write_json
from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError, DataError
from hepexp.spelling import visible
from hepexp.tracking import lookup, record_file
from hepexp.tracking.process import lives_beside_us, process_tags

JOBS = "jobs.json"  # the file that marks the folder of a multirun
PROCESS = "process.json"  # which process launches the jobs, as long as it does
SILENT = "the job left no report: it never started or was killed"
UNFINISHED = "the run has begun and not ended: it was killed, or is still running"
FINISHED, FAILED, KILLED, LOST = "FINISHED", "FAILED", "KILLED", "LOST"


@dataclass(frozen=True)
class MultirunJob:
    """One job of a multirun.

    Parameters
    ----------
    number : place in the multirun, from 0.
    overrides : of this job, each with one value.
    status : FINISHED, FAILED, KILLED, or LOST when the job left no report.
    run : folder of the run, relative to runs/, which can be moved; empty when the job did not get that far.
    error : why it failed, one line.
    metrics : the run's metrics.json.
    refused : whether its values were refused before it began.
    """

    number: int
    overrides: list[str]
    status: str
    run: str = ""
    error: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    refused: bool = False

    @property
    def folder(self) -> Path:
        """The folder of its run, which may be gone by now."""
        return runs_dir().resolve() / self.run

    def write(self, folder: Path) -> None:
        write_json(report_file(folder, self.number), asdict(self))


def report_file(folder: Path, number: int) -> Path:
    """Where a job of a multirun says what became of it."""
    return folder / f"job_{number}.json"


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """A block in which the jobs of a multirun are launched: the folder says which process does it."""
    write_json(folder / PROCESS, process_tags())
    try:
        yield
    finally:
        (folder / PROCESS).unlink(missing_ok=True)


def refuse_running(folder: Path, jobs: Iterable[MultirunJob]) -> None:
    """Refuse to repeat jobs of a multirun that is still running, as its pending jobs would be trained twice.

    Raises
    ------
    ConfigError : the process that launches the jobs, or that of a job, is alive; names it.
    DataError : the note of the process cannot be read.
    """
    writers = [record_file.read(folder / PROCESS, json.loads, dict)]
    writers += [lookup.tags_of_running(job.folder) for job in jobs if job.status == LOST and job.run]
    for tags in writers:
        if all(isinstance(tag, str) for tag in tags.values()) and lives_beside_us(tags):
            raise ConfigError(
                f"{folder} is still running, in process {visible(tags['pid'])} here; wait until it ends, or stop it "
                "and try again"
            )


def plan(folder: Path, jobs: list[list[str]]) -> None:
    """List all jobs before the first one starts, so that those that never ran are known too."""
    if not (folder / JOBS).exists():
        write_json(folder / JOBS, jobs)


def read(folder: Path) -> list[MultirunJob]:
    """All jobs of a multirun, in order.

    Raises
    ------
    ConfigError : not the folder of a multirun.
    DataError : its list of jobs cannot be read.
    """
    file = folder / JOBS
    if not os.path.isfile(file):
        raise ConfigError(f"{folder} is not the folder of a multirun: it has no jobs.json")
    jobs = [
        outcome(folder, number, overrides) for number, overrides in enumerate(record_file.read(file, json.loads, list))
    ]
    for job in jobs:
        if not isinstance(job.overrides, list) or not all(isinstance(word, str) for word in job.overrides):
            raise DataError(f"{folder}: job {job.number}: expected a list of overrides, got {job.overrides!r}")
    return jobs


def outcome(folder: Path, number: int, overrides: list[str]) -> MultirunJob:
    """The outcome of a job; one whose report is missing or damaged is lost."""
    try:
        found = record_file.read(report_file(folder, number), json.loads, dict)
        job = MultirunJob(**found) if found else MultirunJob(number, overrides, LOST, error=SILENT)
        if not all(isinstance(text, str) for text in (job.status, job.run, job.error)):
            raise TypeError("status, run and error must be texts")
        return job
    except (DataError, TypeError) as error:
        return MultirunJob(number, overrides, LOST, error=f"its report cannot be used: {error}")


def find(text: str) -> Path:
    """The folder of a multirun: a path, or a name under runs/, or `latest`.

    Raises
    ------
    ConfigError : there is no such folder.
    """
    if text == "latest":
        lists = [
            file for file in runs_dir().glob(f"*/*/{JOBS}") if file.parent.parent.name not in ("studies", "sweeps")
        ]
        if not lists:
            raise ConfigError(f"there is no multirun under {runs_dir()}; start one with `hepexp train -m ...`")
        return max(lists, key=lambda file: file.stat().st_mtime).parent
    for folder in (Path(text), runs_dir() / text):
        if os.path.isfile(folder / JOBS):
            return folder
    raise ConfigError(f"no multirun {text!r} here or under {runs_dir()}; expected a folder with jobs.json, or latest")
