"""The MLflow experiment to which runs belong."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from hepexp.errors import ConfigError
from hepexp.tracking import relocation, store, write_guard

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def experiment_id(client: MlflowClient, name: str, timeout: float) -> str:
    """The experiment of this name, created if it does not exist.

    Raises
    ------
    ConfigError : it was deleted in MLflow, or keeps its artifacts outside runs/.
    HepexpError : the store stays locked, or refuses.
    """
    from mlflow.exceptions import MlflowException

    def found_or_made() -> str:
        found = client.get_experiment_by_name(name)
        write_guard.artifact_folder((store.artifacts() / name).as_uri() if found is None else found.artifact_location)
        if found is None:
            try:
                tags = {"mlflow.experimentKind": "custom_model_development"}  # else its page is that of language models
                return client.create_experiment(name, (relocation.recorded(store.database()) / name).as_uri(), tags)
            except MlflowException:
                found = client.get_experiment_by_name(name)  # another process was faster
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise ConfigError(
                f"the experiment {name!r} was deleted in MLflow; choose another by `experiment=`, or restore it: "
                f"MLFLOW_TRACKING_URI={shlex.quote(store.uri())} mlflow experiments restore -x {found.experiment_id}"
            )
        return found.experiment_id

    return store.insist(found_or_made, timeout)
