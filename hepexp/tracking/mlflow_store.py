"""One MLflow run per training: the only place that writes to MLflow."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from hepexp import atomic
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import store, write_guard
from hepexp.tracking.artifacts import copy_folder, remove_unfinished
from hepexp.tracking.batches import METRICS, OTHERS, batches
from hepexp.tracking.lookup import FOLDER_TAG, label
from hepexp.tracking.mirror import Mirror
from hepexp.tracking.mlflow_experiment import experiment_id
from hepexp.tracking.parameters import WHOLE, as_name, as_parameters
from hepexp.tracking.process import lives_beside_us, origin_tags, process_tags
from hepexp.tracking.remote import SYNCED

log = logging.getLogger("hepexp")
T = TypeVar("T")
TAG_LENGTH = 8000  # MLflow's limit
DIGEST_LENGTH = 8  # of a data set; MLflow takes 36, and its table of runs then has no room for the name
TRACEBACK = "traceback.txt"
NOTE = "mlflow.note.content"


class StillWritten(ConfigError):
    """Another live process on this host is writing to the run."""


class MlflowRun:
    """A run in the MLflow store, from `start` to `finish`.

    Metrics are buffered: an epoch costs one short transaction, or none while another process locks the store; they are
    then written by the next `log_metrics`, at the latest by `finish`. An MLflow server, if one is given, gets the same
    a little later.
    """

    def __init__(self, client: Any, run_id: str, folder: Path, timeout: float, uri: str | None = None) -> None:
        self.client = client
        self._timeout = timeout
        self._buffer: list[Any] = []
        self._described: str | None = None
        self.run_id = run_id
        self.folder = folder
        self.artifacts = write_guard.artifacts(client.get_run(run_id).info.artifact_uri)
        self._uri = uri
        self._mirror = None if uri is None else Mirror(uri, run_id)

    @classmethod
    def start(
        cls,
        experiment: str,
        name: str,
        params: Mapping[str, Any],
        tags: Mapping[str, Any],
        folder: Path,
        run_id: str | None = None,
        timeout: float = 60.0,
        uri: str | None = None,
    ) -> MlflowRun:
        """Begin a run, or continue one.

        Parameters
        ----------
        experiment, name : as MLflow shows them.
        params : the complete config, nested or flat.
        tags : e.g. git_sha, data_source, task; None values are left out. The folder and the process are added.
        folder : the run folder.
        run_id : the run to continue: its status becomes RUNNING again, and a parameter that differs now becomes the tag
            `resumed.<key>`, as MLflow's parameters cannot change.
        timeout : seconds to wait for a store that another process has locked, here and in `finish`.
        uri : address of an MLflow server that gets a copy during the run, http://HOST:PORT; it may be unreachable.

        Raises
        ------
        HepexpError : the store stays locked, or cannot be written.
        ConfigError : `run_id` is not in the store, or is `StillWritten`; the experiment was deleted in MLflow; or its
            artifacts are kept outside runs/.
        """
        client = store.connect(timeout)
        parameters, long = as_parameters(params)
        tags = {**tags, **origin_tags(), **process_tags(), FOLDER_TAG: label(Path(folder))}
        if tags.get("git_sha"):
            tags["mlflow.source.git.commit"] = tags["git_sha"]  # MLflow shows this one in its table
        tags = {key: str(value)[:TAG_LENGTH] for key, value in tags.items() if value is not None}
        if run_id is None:
            number = experiment_id(client, experiment, timeout)
            run_id = store.insist(lambda: client.create_run(number, tags=tags, run_name=name).info.run_id, timeout)
        else:
            with store.claim(timeout):
                known = store.insist(lambda: _reopen(client, run_id), timeout)
            changed = {f"resumed.{k}": v for k, v in parameters.items() if known.get(k, v) != v}
            parameters = {k: v for k, v in parameters.items() if k not in known}
            tags.update({key: value[:TAG_LENGTH] for key, value in changed.items()})
            remove_unfinished(Path(folder), write_guard.artifacts(client.get_run(run_id).info.artifact_uri))
        run = cls(client, run_id, Path(folder), timeout, uri)
        try:
            run.set_tags(tags)
            run._log_parameters(parameters)
            if long:
                atomic.write_yaml(run.artifacts / WHOLE, long)
        except BaseException as error:  # nobody else knows of the run yet, who could end it
            why = f"{type(error).__name__}: {error}"
            with suppress(HepexpError):
                store.insist(lambda: client.set_tag(run_id, "reason", why[:TAG_LENGTH]), timeout)
                store.insist(lambda: client.set_terminated(run_id, "FAILED"), timeout)
            raise
        return run

    @classmethod
    def of(cls, run_id: str, folder: Path, timeout: float = 60.0) -> MlflowRun:
        """A run that is in the store, unchanged."""
        return cls(store.connect(timeout), run_id, folder, timeout)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags that become known later, e.g. data_source."""
        from mlflow.entities import RunTag

        entries = [RunTag(key, str(value)[:TAG_LENGTH]) for key, value in tags.items() if value is not None]
        for chunk in batches(entries, OTHERS):
            self.insist(partial(self.client.log_batch, self.run_id, tags=chunk))

    def describe(self, text: str) -> None:
        """Describe the run in Markdown; a description that someone has written in the user interface is kept."""
        text = text[:TAG_LENGTH]
        try:
            tags = self.insist(lambda: self.client.get_run(self.run_id).data.tags)
            if tags.get(NOTE) in (None, self._described, text):
                self.set_tags({NOTE: text})
                self._described = text
        except HepexpError as error:  # not a reason to end a training
            log.warning("the run has no description in MLflow: %s", error)

    def log_dataset(self, name: str, provenance: Mapping[str, Any]) -> None:
        """Name the data set of the run, as MLflow shows it beside the run and filters by it.

        Parameters
        ----------
        provenance : of the data set: source, files with checksums, sizes of the splits, the command that makes it.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        files = provenance.get("files", [])
        digest = hashlib.sha256(json.dumps(files, sort_keys=True, default=str).encode()).hexdigest()[:DIGEST_LENGTH]
        sizes = {key: value for key, value in provenance.items() if key.startswith("n_")}
        data = Dataset(
            name=name,
            digest=digest,
            source_type="local",
            source=json.dumps({key: provenance.get(key) for key in ("source", "how")}),
            profile=json.dumps({**sizes, "files": len(files)}),
        )
        inputs = [DatasetInput(data, [InputTag("mlflow.data.context", str(provenance.get("source")))])]
        self.insist(lambda: self.client.log_inputs(self.run_id, datasets=inputs))

    def log_metrics(self, metrics: Mapping[str, Any], step: int = 0) -> None:
        """Record metrics of a step (once per epoch, in one call). None, NaN, infinities and text are left out."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for key, value in metrics.items():
            if value is not None and not isinstance(value, str) and math.isfinite(value):
                self._buffer.append(Metric(as_name(key), float(value), now, step))
        if store.is_free():
            try:
                self._flush()
            except Exception as error:  # tracking must not end a training: `finish` tries again, and says so
                log.warning("metrics are kept for later, as the MLflow store refused them: %s", store.reason(error))
            if self._mirror:
                self._mirror.changed()

    def add(self, metrics: Mapping[str, Any]) -> None:
        """Add metrics and the folder's files to a run that has ended, whose status stays as it is.

        Raises
        ------
        HepexpError : the store stays locked, or refuses.
        """
        self.log_metrics(metrics)
        self.insist(self._flush)
        self.log_folder()

    def log_folder(self) -> None:
        """Copy the run folder's files to the run's artifacts, where the MLflow UI shows them."""
        copy_folder(self.folder, self.artifacts)

    def insist(self, action: Callable[[], T]) -> T:
        """Call `action` on the store, repeatedly while another process locks it.

        Raises
        ------
        HepexpError : the store stays locked, or refuses.
        """
        return store.insist(action, self._timeout)

    def finish(
        self,
        status: Literal["FINISHED", "FAILED", "KILLED"],
        reason: str | None = None,
        traceback: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """End the run: the last metrics, the folder's files, the status.

        Parameters
        ----------
        reason : one line, kept as the tag `reason`.
        traceback : kept as the artifact traceback.txt.
        timeout : seconds to wait for a locked store, by default as in `start`.

        Raises
        ------
        HepexpError : the store stays locked. The files are copied to the artifacts anyway.
        """
        timeout = self._timeout if timeout is None else timeout
        try:
            self.log_folder()
            if traceback:
                atomic.write_text(self.artifacts / TRACEBACK, traceback)
        except OSError as error:
            log.warning("the run's files are not all among the MLflow artifacts: %s", error)
        store.insist(self._flush, timeout)
        if reason:
            store.insist(lambda: self.client.set_tag(self.run_id, "reason", reason[:TAG_LENGTH]), timeout)
        store.insist(lambda: self.client.set_terminated(self.run_id, status), timeout)
        if self._mirror and self._mirror.close():
            store.insist(lambda: self.client.set_tag(self.run_id, SYNCED, self._uri), timeout)
        elif self._mirror:
            log.warning("the run is incomplete on %s; send it later: hepexp sync %s", self._uri, label(self.folder))

    def _flush(self) -> None:
        while self._buffer:
            self.client.log_batch(self.run_id, metrics=self._buffer[:METRICS])
            del self._buffer[:METRICS]

    def _log_parameters(self, parameters: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        entries = [Param(key, value) for key, value in parameters.items()]
        for chunk in batches(entries, OTHERS):
            self.insist(partial(self.client.log_batch, self.run_id, params=chunk))


def _reopen(client: Any, run_id: str) -> dict[str, str]:
    """Make a run RUNNING again, forget why it ended, and give the parameters that it has."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise ConfigError(f"no MLflow run {run_id} in {store.database()}, so it cannot be continued") from error
    artifacts, tags = write_guard.artifacts(run.info.artifact_uri), run.data.tags
    if run.info.status == "RUNNING" and lives_beside_us(tags):
        raise StillWritten(
            f"run {run_id} is still being written by process {tags['pid']} here; stop it, or wait until it ends"
        )
    for key, value in process_tags().items():  # before it is RUNNING: otherwise another process may take it for dead
        client.set_tag(run_id, key, value)
    client.update_run(run_id, status="RUNNING")
    for tag in ("reason", SYNCED):
        if tag in tags:
            client.delete_tag(run_id, tag)
    (artifacts / TRACEBACK).unlink(missing_ok=True)
    return run.data.params
