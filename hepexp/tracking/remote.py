"""A run of the local store on an MLflow server: whatever the server lacks is sent, and sending again is harmless."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import registry, store, write_guard
from hepexp.tracking.batches import METRICS, OTHERS, batches

if TYPE_CHECKING:
    from mlflow.entities import Run

LOCAL_ID = "local_run_id"  # tag of a run on a server: the run of the local store that it mirrors
PARENT = "mlflow.parentRunId"
SYNCED = "synced"  # tag: the server that has the complete run
MANNERS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def check_uri(uri: str) -> None:
    """Refuse anything but the address of an MLflow server.

    Raises
    ------
    ConfigError : it is not http(s)://HOST, or contains a password, which would end up in every record.
    """
    parts = urlsplit(uri)
    if parts.username or parts.password:
        raise ConfigError(
            "tracking.uri must not hold a user or password; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"tracking.uri must be the address of an MLflow server, http://HOST:PORT, got {uri!r}; for a local store "
            "elsewhere set $HEPEXP_RUNS_DIR"
        )


class Remote:
    """An MLflow server that mirrors runs of the local store.

    Parameters
    ----------
    uri : its address; user and password, or a token, are taken from MLflow's variables MLFLOW_TRACKING_USERNAME and
        _PASSWORD, or MLFLOW_TRACKING_TOKEN.
    """

    def __init__(self, uri: str) -> None:
        check_uri(uri)
        self.uri = uri
        self._sent: dict[str, dict[str, int]] = {}  # number of values of each metric that the server has, by remote run

    def push(self, run_id: str, whole: bool) -> str:
        """Send what the server lacks of a run; return its id there.

        Parameters
        ----------
        run_id : in the local store.
        whole : also send the artifacts, the registered model and the status; otherwise the run is RUNNING there.

        Raises
        ------
        HepexpError : the server cannot be reached, or refuses.
        """
        from mlflow.exceptions import MlflowException

        for name, value in MANNERS.items():
            os.environ.setdefault(name, value)
        local, raced = store.connect(), 0
        while True:
            try:
                return self._push(local, local.get_run(run_id), whole)
            except (MlflowException, OSError) as error:
                if raced == store.RACES or not store.RACED.search(str(error)):
                    raise HepexpError(f"MLflow server {self.uri}: {_reason(error)}") from error
                raced += 1
                store.step_aside(raced)

    def _push(self, local: Any, run: Run, whole: bool) -> str:
        from mlflow.entities import Param, RunTag
        from mlflow.tracking import MlflowClient

        server = MlflowClient(self.uri, registry_uri=self.uri)
        there = self._run(server, local, run)
        remote_id = there.info.run_id
        tags = {key: value for key, value in run.data.tags.items() if key != SYNCED}
        if PARENT in tags:
            tags[PARENT] = self._parent(server, local, tags[PARENT])
        new_tags = [RunTag(key, value) for key, value in tags.items() if there.data.tags.get(key) != value]
        new_params = [Param(key, value) for key, value in run.data.params.items() if key not in there.data.params]
        for tags_chunk in batches(new_tags, OTHERS):
            server.log_batch(remote_id, tags=tags_chunk)
        for params_chunk in batches(new_params, OTHERS):
            server.log_batch(remote_id, params=params_chunk)
        self._send_metrics(server, local, run, there)
        datasets, known = (one.inputs.dataset_inputs if one.inputs else [] for one in (run, there))
        if datasets and not known:
            server.log_inputs(remote_id, datasets=datasets)
        if whole:
            server.log_artifacts(remote_id, str(write_guard.artifacts(run.info.artifact_uri)))
            self._register(server, local, run, remote_id)
            server.set_terminated(remote_id, run.info.status, run.info.end_time)
        elif there.info.status != "RUNNING":
            server.update_run(remote_id, status="RUNNING")
        return remote_id

    def _send_metrics(self, server: Any, local: Any, run: Run, there: Run) -> None:
        """Send the values of each metric that come after those that the server has; a history is only appended to."""
        from mlflow.entities import Metric

        sent = self._sent.setdefault(there.info.run_id, {})
        values: list[Metric] = []
        for key in run.data.metrics:
            if key not in sent:
                had = key in there.data.metrics
                sent[key] = len(server.get_metric_history(there.info.run_id, key)) if had else 0
            values += local.get_metric_history(run.info.run_id, key)[sent[key] :]
        for chunk in batches(values, METRICS):
            entries = [Metric(m.key, m.value, m.timestamp, m.step) for m in chunk]  # local ids mean nothing to a server
            server.log_batch(there.info.run_id, metrics=entries)
            for metric in chunk:
                sent[metric.key] += 1

    def _run(self, server: Any, local: Any, run: Run) -> Run:
        """The run on the server, created if it is not there yet."""
        name = local.get_experiment(run.info.experiment_id).name
        experiment = server.get_experiment_by_name(name)
        experiment_id = experiment.experiment_id if experiment else server.create_experiment(name)
        found = server.search_runs([experiment_id], f"tags.{LOCAL_ID} = '{run.info.run_id}'", max_results=1)
        if found:
            return found[0]
        tags = {LOCAL_ID: run.info.run_id}
        return server.create_run(experiment_id, run.info.start_time, tags, run.info.run_name)

    def _parent(self, server: Any, local: Any, run_id: str) -> str:
        """The parent on the server, such as a sweep, which sends its other runs itself."""
        return self._run(server, local, local.get_run(run_id)).info.run_id

    def _register(self, server: Any, local: Any, run: Run, remote_id: str) -> None:
        """Register on the server each model that has a local version from this run."""
        there = {version.name for version in server.search_model_versions(f"run_id='{remote_id}'")}
        for version in local.search_model_versions(f"run_id='{run.info.run_id}'"):
            judgement = registry.Judgement.read(version.tags)  # None: registered by other means
            if version.name not in there and judgement is not None:
                registry.register(server, remote_id, version.name, judgement)
                there.add(version.name)


def _reason(error: Exception) -> str:
    """The long messages of requests and MLflow in one line."""
    text = str(error)
    for sign, meaning in (
        ("Connection refused", "nothing is listening there (connection refused)"),
        ("Name or service not known", "there is no such host"),
        ("Failed to resolve", "there is no such host"),
        ("timed out", "no answer in time"),
        ("401", "access denied; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or _TOKEN"),
    ):
        if sign in text:
            return meaning
    return re.sub(r"\s+", " ", text)[:300]
