"""Runs whose process died, e.g. by SIGKILL: none stays RUNNING for ever, or keeps temporary files."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError
from hepexp.tracking import store, write_guard
from hepexp.tracking.artifacts import remove_unfinished
from hepexp.tracking.batches import search
from hepexp.tracking.lookup import FOLDER_TAG
from hepexp.tracking.process import is_dead

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

log = logging.getLogger("hepexp")
REASON = "the process died (killed, out of memory, or power cut)"


def reap_stale(timeout: float = 60.0) -> list[str]:
    """Mark as KILLED the runs that are RUNNING in the store although their process on this host has ended.

    Returns
    -------
    The ids of these runs.
    """
    if not store.database().is_file():
        return []
    client = store.connect(timeout)
    stale = [run for run in search(client, "attributes.status = 'RUNNING'") if is_dead(run.data.tags)]
    return [run.info.run_id for run in stale if _reaped(client, run, timeout)]


def _reaped(client: MlflowClient, run: Run, timeout: float) -> bool:
    """Whether this process ended the run; another one may have ended, resumed or deleted it in the meantime."""
    run_id = run.info.run_id
    with store.claim(timeout):
        now = store.insist(lambda: client.get_run(run_id), timeout)
        if now.info.lifecycle_stage != "active" or now.info.status != "RUNNING" or not is_dead(now.data.tags):
            return False
        store.insist(lambda: client.set_tag(run_id, "reason", REASON), timeout)
        store.insist(lambda: client.set_terminated(run_id, "KILLED"), timeout)
    _tidy(now)
    return True


def _tidy(run: Run) -> None:
    """Remove what a run left unfinished; whatever lies outside runs/, as the store of a stranger may say, stays."""
    folder = runs_dir() / run.data.tags.get(FOLDER_TAG, "")
    try:
        if not write_guard.is_own(folder):
            raise ConfigError(f"the MLflow store says that it wrote to {folder}, which is not below {runs_dir()}")
        remove_unfinished(folder, write_guard.artifacts(run.info.artifact_uri))
    except ConfigError as error:
        log.warning("nothing was tidied up after run %s, whose process died: %s", run.info.run_id, error)
    except OSError:  # perhaps another user's
        pass
