"""The folder of a study, that of a multirun which can be launched again: its list of jobs grows, none is changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepexp.atomic import write_json
from hepexp.config.paths import runs_dir
from hepexp.errors import DataError
from hepexp.learning.multirun import FINISHED, JOBS, KILLED, LOST, MultirunJob, outcome
from hepexp.study.plan import Plan, Run
from hepexp.study.settings import changes
from hepexp.tracking import record_file, write_guard

STUDIES, CONFIGS, LOCK = "studies", "configs.json", ".lock"
LONGEST = 100  # characters of a folder's name that are what was typed


@dataclass(frozen=True)
class Entry:
    """A job that the study has had: its overrides, and what they were composed to then."""

    overrides: list[str]
    config: Mapping[str, Any]


def folder_of(plan: Plan) -> Path:
    """`runs/studies/NAME`, and what was typed for it behind a comma: other overrides are other runs."""
    typed = ",".join(plan.typed.kept_apart)
    name = plan.name.replace("/", "_")
    if not typed:
        return runs_dir() / STUDIES / name
    if len(typed) > LONGEST or not re.fullmatch(r"[\w.,=+-]+", typed):
        digest = hashlib.sha256(typed.encode()).hexdigest()[:8]
        typed = f"{re.sub(r'[^A-Za-z0-9_.,=+-]', '_', typed)[:LONGEST]}~{digest}"
    return runs_dir() / STUDIES / f"{name},{typed}"


class StudyFolder:
    """What has become of the runs of a study.

    Parameters
    ----------
    path : of the folder, which need not exist yet.

    Raises
    ------
    ConfigError : it leads out of runs/.
    DataError : its list of jobs cannot be read.
    """

    def __init__(self, path: Path) -> None:
        write_guard.refuse_way_out(path)
        self.path = path
        self.entries = [_entry(one, path / CONFIGS) for one in record_file.read(path / CONFIGS, json.loads, list)]

    def find(self, run: Run) -> int | None:
        """The number of the job of a run; None where there is none of the same settings."""
        fitting = [n for n, entry in enumerate(self.entries) if entry.overrides == run.words]
        return fitting[-1] if fitting and not changes(self.entries[fitting[-1]].config, run.config) else None

    def changed(self, run: Run) -> list[str]:
        """The keys that have had other values in an earlier run of the same command."""
        earlier = [entry for entry in self.entries if entry.overrides == run.words]
        return changes(earlier[-1].config, run.config) if earlier else []

    def job(self, run: Run) -> MultirunJob:
        """What became of a run, LOST where it never began. One whose folder is gone never did."""
        number = self.find(run)
        if number is None:
            return MultirunJob(-1, run.words, LOST)
        job = outcome(self.path, number, run.words)
        if job.run and not (os.path.isfile(job.folder / "config.yaml") and write_guard.is_own(job.folder)):
            return MultirunJob(number, run.words, LOST)
        if job.status == FINISHED and not os.path.isfile(job.folder / "metrics.json"):
            return MultirunJob(number, run.words, LOST)
        return job

    def is_interrupted(self, run: Run) -> bool:
        """Whether it can be resumed."""
        job = self.job(run)
        return bool(job.run) and job.status in (KILLED, LOST)

    def begin(self, runs: list[Run]) -> list[int]:
        """The numbers of the jobs of runs, which are listed before any of them starts."""
        numbers = []
        for run in runs:
            number = self.find(run)
            if number is None:
                number = len(self.entries)
                self.entries.append(Entry(run.words, run.config))
            numbers.append(number)
        self.path.mkdir(parents=True, exist_ok=True)
        write_guard.refuse_links_out(self.path)
        write_json(self.path / CONFIGS, [{"overrides": one.overrides, "config": one.config} for one in self.entries])
        write_json(self.path / JOBS, [one.overrides for one in self.entries])
        return numbers


def _entry(found: Any, file: Path) -> Entry:
    words = found.get("overrides") if isinstance(found, dict) else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise DataError(f"{file} is not what a study writes; remove {file.parent} to begin it anew")
    config = found.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("choices", {}), dict):
        raise DataError(f"{file} is not what a study writes; remove {file.parent} to begin it anew")
    return Entry(words, config)
