"""Runs whose process ended without a word, e.g. by SIGKILL: no run stays RUNNING for ever."""

from __future__ import annotations

from hepexp.tracking import store
from hepexp.tracking.batches import search
from hepexp.tracking.process import is_dead

REASON = "the process ended without a word (killed, out of memory, or power cut)"


def reap_stale(timeout: float = 60.0) -> list[str]:
    """Mark as KILLED the runs that are RUNNING in the store although their process on this host has ended.

    Returns
    -------
    The ids of these runs.
    """
    if not store.database().is_file():
        return []
    client = store.connect(timeout)
    running = search(client, "attributes.status = 'RUNNING'")
    stale = [run.info.run_id for run in running if is_dead(run.data.tags)]
    for run_id in stale:
        store.insist(lambda run_id=run_id: client.set_tag(run_id, "reason", REASON), timeout)
        store.insist(lambda run_id=run_id: client.set_terminated(run_id, "KILLED"), timeout)
    return stale
