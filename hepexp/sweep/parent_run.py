"""The MLflow run of a sweep, whose children are its trials: each store has one of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from hepexp.sweep.study import Plan
from hepexp.tracking import known_servers, lookup
from hepexp.tracking.mlflow_store import MlflowRun, StillWritten


class ParentRun:
    """The parent run in this machine's store, new or found by the folder of the sweep.

    A second `hepexp sweep` alongside the first one uses its run as parent, and leaves the writing to it.

    Parameters
    ----------
    name, plan : of the sweep.
    folder : of the sweep; its files become artifacts of the run.
    """

    def __init__(self, name: str, plan: Plan, folder: Path) -> None:
        with FileLock(folder / ".parent.lock"):  # of two that begin in the same second one makes the run
            known = lookup.run_id_of(folder)
            self._run = self._started(name, plan, folder, known)
        run_id = known if self._run is None else self._run.run_id
        assert run_id is not None, "another process writes a run that is known"
        self.run_id = run_id

    @staticmethod
    def _started(name: str, plan: Plan, folder: Path, known: str | None) -> MlflowRun | None:
        try:
            return MlflowRun.start(
                experiment=plan.experiment,
                name=name,
                params={
                    "sweep": {"space": plan.space, "base": plan.base, "trials": plan.trials, "sampler": plan.sampler},
                    "tracking": {"uri": plan.uri, "register": plan.register},
                },
                tags={"kind": "sweep"},
                folder=folder,
                run_id=known,
                uri=known_servers.followed(plan.uri),
            )
        except StillWritten:
            return None

    def log(self, metrics: dict[str, Any]) -> None:
        if self._run is not None:
            self._run.log_metrics(metrics)

    def describe(self, text: str) -> None:
        if self._run is not None:
            self._run.describe(text)

    def finish(self, status: Literal["FINISHED", "FAILED", "KILLED"], reason: str | None = None) -> None:
        if self._run is not None:
            self._run.finish(status, reason)
