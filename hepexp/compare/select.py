"""The selection of runs: by folder, MLflow id, experiment or multirun, then by task, tag and filter."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from glob import glob
from pathlib import Path

from hepexp.compare.record import Record
from hepexp.config.paths import runs_dir
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, HepexpError
from hepexp.learning.multirun import FINISHED, JOBS, read
from hepexp.tracking.lookup import label
from hepexp.tracking.run_folder import RunFolder, is_locked, is_run


def select(
    words: Sequence[str], task: str | None = None, tags: Mapping[str, str] | None = None, query: str | None = None
) -> tuple[list[Record], dict[Path, str]]:
    """The finished runs that are selected, each once, and why others are left out, by their folders.

    Parameters
    ----------
    words : run folders, patterns of them, MLflow run ids, `latest`, experiments, or folders of multiruns; every run
        under runs/ when there are none.
    task : keep runs of this task.
    tags : keep runs that were given these `tags.KEY=VALUE`.
    query : keep runs that MLflow finds by this filter, e.g. "params.model.name = 'pfn' and metrics.`test/auc` > 0.8".

    Raises
    ------
    ConfigError : a word names no run, the filter cannot be read, or nothing is left.
    """
    folders = [folder for word in words for folder in _folders(word)] if words else _all_runs()
    every = [Record(folder) for folder in dict.fromkeys(folders)]
    left_out = {record.path: fault for record in every if (fault := _fault(record))}
    records = [record for record in every if record.path not in left_out]
    if task is not None:
        _check_known("task", task, [record.choices.get("task") for record in records])
        records = [record for record in records if record.choices.get("task") == task]
    for key, value in (tags or {}).items():
        records = [record for record in records if str(record.config.get(f"tags.{key}")) == value]
    if query is not None:
        found = _search(query)
        records = [record for record in records if record.path in found]
    if not records:
        if left_out and len(left_out) == len(every):
            path, fault = next(iter(left_out.items()))
            raise ConfigError(f"none of {len(every)} runs can be read; {label(path)}: {fault}")
        if not every:
            there_are = len(_all_runs())
            what = (
                f"{' '.join(words)} names none of the {there_are:,} runs"
                if words and there_are
                else "there are no runs"
            )
            raise ConfigError(f"{what} under {runs_dir()}{_if_inside(words) if there_are else ''}")
        raise ConfigError(
            f"none of {len(every)} runs under {runs_dir()} match --task, --tag or --filter; `hepexp ui` shows them all"
        )
    return records, left_out


def _if_inside(words: Sequence[str]) -> str:
    """How to write patterns of runs, which are in folders of experiments."""
    patterns = [word for word in words if "/" not in word]
    return f"; runs are in folders of experiments, so write e.g. '*/{patterns[0]}'" if patterns else ""


def _fault(record: Record) -> str:
    """Why a run cannot be compared; empty where it can."""
    if is_locked(record.path):
        return "permission denied; ask its owner"
    try:
        if not record.metrics:
            return "it has no metrics.json (failed, killed, or still running)"
        record.check()
    except HepexpError as error:
        return str(error).replace(f"{record.path}{os.sep}", "")
    return ""


def _folders(word: str) -> list[RunFolder]:
    for path in (Path(word), runs_dir() / word):
        if os.path.isfile(path / JOBS):
            return [RunFolder(job.folder) for job in read(path) if job.status == FINISHED]
        if os.path.isdir(path) and not is_run(path) and (inside := _runs_in(path)):
            return inside
    if any(sign in word for sign in "*?["):
        found = sorted(path for root in (".", runs_dir()) for path in map(Path, glob(word, root_dir=root)))
        return [RunFolder.find(str(path)) for path in found if is_run(path) or is_run(runs_dir() / path)]
    return [RunFolder.find(word)]


def _all_runs() -> list[RunFolder]:
    if is_locked(runs_dir()):
        raise ConfigError(f"{runs_dir()} cannot be opened: permission denied; ask its owner")
    return [run for path in sorted(runs_dir().glob("*")) if not path.is_symlink() for run in _runs_in(path)]


def _runs_in(experiment: Path) -> list[RunFolder]:
    """Its runs; folders that cannot be opened are kept, to be named, and so is the experiment itself."""
    if is_locked(experiment):
        return [RunFolder(experiment.resolve())]
    return [RunFolder(path.resolve()) for path in sorted(experiment.glob("*")) if is_run(path) or is_locked(path)]


def _check_known(what: str, wanted: str, known: Iterable[str | None]) -> None:
    names = sorted({name for name in known if name})
    if wanted not in names:
        there_are = ", ".join(names) or "none"
        raise ConfigError(
            f"no run of {what} {wanted!r}{did_you_mean(wanted, names)} ({what}s of these runs: {there_are})"
        )


def _search(query: str) -> set[Path]:
    """Folders of the runs that MLflow's own filter finds, in all experiments."""
    from mlflow.exceptions import MlflowException

    from hepexp.tracking import store
    from hepexp.tracking.batches import search
    from hepexp.tracking.lookup import FOLDER_TAG

    client = store.connect()
    try:
        tags = [run.data.tags for run in search(client, query)]
    except MlflowException as error:
        raise ConfigError(f"--filter {query!r} cannot be read by MLflow: {str(error).splitlines()[0]}") from error
    return {runs_dir().resolve() / own[FOLDER_TAG] for own in tags if FOLDER_TAG in own}
