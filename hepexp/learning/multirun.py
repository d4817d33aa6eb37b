"""The jobs of a multirun: a file for each, so that every launcher, here or on a cluster, reports in the same way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hepexp.atomic import write_json
from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError

JOBS = "jobs.json"  # the file that makes a folder that of a multirun
FINISHED, FAILED, KILLED, LOST = "FINISHED", "FAILED", "KILLED", "LOST"


@dataclass(frozen=True)
class Job:
    """One job of a sweep folder.

    Parameters
    ----------
    number : place in the sweep, from 0.
    overrides : of this job alone, each with one value.
    status : FINISHED, FAILED, KILLED, or LOST when the job left no word.
    run : folder of the run; empty when it did not come so far.
    error : why it failed, one line.
    metrics : the run's metrics.json.
    """

    number: int
    overrides: list[str]
    status: str
    run: str = ""
    error: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)

    def write(self, sweep: Path) -> None:
        write_json(sweep / f"job_{self.number}.json", asdict(self))


def plan(sweep: Path, jobs: list[list[str]]) -> None:
    """Note all jobs before the first one starts: what never ran is then known too."""
    if not (sweep / JOBS).exists():
        write_json(sweep / JOBS, jobs)


def read(sweep: Path) -> list[Job]:
    """All jobs of a sweep folder, in order.

    Raises
    ------
    ConfigError : not the folder of a multirun.
    """
    file = sweep / JOBS
    if not file.is_file():
        raise ConfigError(f"{sweep} is not the folder of a multirun: it has no jobs.json")
    jobs = []
    for number, overrides in enumerate(json.loads(file.read_text(encoding="utf-8"))):
        report = sweep / f"job_{number}.json"
        if report.is_file():
            jobs.append(Job(**json.loads(report.read_text(encoding="utf-8"))))
        else:
            jobs.append(Job(number, overrides, LOST, error="the job left no word: it never started or was killed"))
    return jobs


def find(text: str) -> Path:
    """The folder of a multirun: a path, or a name under runs/, or `latest`.

    Raises
    ------
    ConfigError : there is no such folder.
    """
    if text == "latest":
        sweeps = sorted(runs_dir().glob(f"*/*_sweep*/{JOBS}"), key=lambda file: file.stat().st_mtime)
        if not sweeps:
            raise ConfigError(f"there is no multirun under {runs_dir()}; start one with `hepexp train -m ...`")
        return sweeps[-1].parent
    for folder in (Path(text), runs_dir() / text):
        if (folder / JOBS).is_file():
            return folder
    raise ConfigError(f"no multirun {text!r} here or under {runs_dir()}; expected a folder with jobs.json, or latest")
