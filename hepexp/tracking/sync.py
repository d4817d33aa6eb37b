"""Send finished runs of the local store to their MLflow server if it was unreachable."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import known_servers, lookup, store
from hepexp.tracking.batches import search
from hepexp.tracking.remote import SYNCED, Remote
from hepexp.tracking.run_folder import RunFolder
from hepexp.tracking.stale import reap_stale

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger("hepexp")
URI = "tracking.uri"  # parameter of a run


@dataclass(frozen=True)
class Sending:
    """A run, and the server to send it to."""

    run_id: str
    name: str
    uri: str


def named(word: str, uri: str | None) -> Sending:
    """The run that a word refers to, and where to send it.

    Parameters
    ----------
    word : a run folder, the folder of a sweep, an MLflow run id, or `latest`.
    uri : the server; None for the one that the run was made with.

    Raises
    ------
    ConfigError : there is no such run, it has no server, or it has not ended.
    """
    reap_stale()
    run = store.connect().get_run(_run_id(word))
    name = run.data.tags.get(lookup.FOLDER_TAG, run.info.run_id)
    uri = uri or _uri(run)
    if uri is None:
        raise ConfigError(f"run {name} was made without tracking.uri; give the server: --uri http://HOST:PORT")
    if run.info.status == "RUNNING":
        raise ConfigError(f"run {name} is still running; wait until it ends")
    return Sending(run.info.run_id, name, uri)


def missing() -> list[Sending]:
    """The ended runs that are incomplete on the server they were made with, oldest first."""
    if not lookup.database().is_file():
        return []
    reap_stale()
    return [
        Sending(run.info.run_id, run.data.tags.get(lookup.FOLDER_TAG, run.info.run_id), uri)
        for run in search(store.connect(), f"params.`{URI}` LIKE 'http%'")
        if (uri := _uri(run)) and run.info.status != "RUNNING" and run.data.tags.get(SYNCED) != uri
    ]


def send(sending: Sending) -> str:
    """Send what the server lacks of a run; return its id there.

    Raises
    ------
    HepexpError : the user has not named this server, or it cannot be reached, or refuses.
    """
    known_servers.refuse_unknown(sending.uri, sending.name)
    remote_id = Remote(sending.uri).push(sending.run_id, whole=True)
    client = store.connect()
    store.insist(lambda: client.set_tag(sending.run_id, SYNCED, sending.uri), 60.0)
    return remote_id


def send_again(run_id: str) -> None:
    """Send what has changed in an ended run to its server, if any; if it is unreachable, leave it to `hepexp sync`."""
    client = store.connect()
    run = client.get_run(run_id)
    uri = _uri(run)
    if uri is None or run.info.status == "RUNNING":
        return
    if SYNCED in run.data.tags:
        store.insist(lambda: client.delete_tag(run_id, SYNCED), 60.0)
    try:
        send(Sending(run_id, run.info.run_name, uri))
    except HepexpError as error:
        log.warning("%s; send it later: hepexp sync", error)


def _run_id(word: str) -> str:
    for place in (Path(word), runs_dir() / word):  # the folder of a sweep has no config.yaml
        if place.is_dir() and (run_id := lookup.run_id_of(place)):
            return run_id
    folder = RunFolder.find(word)
    run_id = folder.mlflow_run_id
    if run_id is None:
        raise ConfigError(f"{folder.label} is not in the MLflow store {lookup.database()}")
    return run_id


def _uri(run: Run) -> str | None:
    uri = run.data.params.get(URI)
    return uri if uri and uri != "null" else None
