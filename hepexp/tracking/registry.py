"""Trained models under a name in MLflow's registry: one version per run, and the alias `best` for the best of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

MODEL = "model"  # the artifact that is registered
BEST = "best"  # alias
T = TypeVar("T")
Insist = Callable[[Callable[[], T]], T]


def once(action: Callable[[], T]) -> T:
    """Call a function once."""
    return action()


@dataclass(frozen=True)
class Judgement:
    """How versions are ranked: by the validation metric that selected the best epoch.

    Parameters
    ----------
    metric : its name.
    value : its value.
    mode : `max` or `min`, whether larger or smaller values are better.
    data : data set and source that it was validated on.
    """

    metric: str
    value: float
    mode: str
    data: str

    def tags(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def read(cls, tags: dict[str, str]) -> Judgement | None:
        """From the tags of a version; None where it was not registered by hepexp."""
        if not {field.name for field in fields(cls)} <= tags.keys():
            return None
        return cls(tags["metric"], float(tags["value"]), tags["mode"], tags["data"])

    def is_comparable(self, other: Judgement) -> bool:
        """Whether both are values of the same metric on the same data."""
        return (self.metric, self.mode, self.data) == (other.metric, other.mode, other.data)

    def beats(self, other: Judgement) -> bool:
        """Whether this is the better one of two that can be compared."""
        if not self.is_comparable(other):
            return False
        return self.value > other.value if self.mode == "max" else self.value < other.value


def check_name(name: str) -> None:
    """Refuse a name that MLflow cannot use in an address such as `models:/NAME@best`.

    Raises
    ------
    ConfigError : it cannot.
    """
    if not re.fullmatch(r"[\w.-]{1,200}", name):
        raise ConfigError(
            f"the name of a registered model must be letters, digits and . - _, got tracking.register={name!r}"
        )


def register(client: MlflowClient, run_id: str, name: str, judgement: Judgement, insist: Insist = once) -> str:
    """Make the artifact `model` of a run a new version of a model, which is created if needed; return its number.

    The alias `best` goes to the version with the best value of the same metric on the same data; among equal ones, to
    the newest.

    Parameters
    ----------
    insist : repeats a call when another process was in its way.
    """
    from mlflow.exceptions import MlflowException

    def make() -> None:
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    insist(make)
    source, tags = f"runs:/{run_id}/{MODEL}", judgement.tags()
    made = insist(lambda: client.create_model_version(name, source, run_id, tags=tags))
    leader = None
    # Others may register at the same time: after setting the alias, check again for a better version.
    while (now := insist(lambda: best(client.search_model_versions(f"name='{name}'"), made).version)) != leader:
        leader = now
        insist(partial(client.set_registered_model_alias, name, BEST, leader))
    return str(made.version)  # the local store returns a number, a server a string


def best(versions: Iterable[ModelVersion], newest: ModelVersion) -> ModelVersion:
    """The best version of those that can be compared with this one; among equal ones, the newest."""
    leader, leads = newest, Judgement.read(newest.tags)
    assert leads is not None, "it is made with one"
    for version in sorted(versions, key=lambda version: int(version.version)):
        judged = Judgement.read(version.tags)
        if judged is None or not judged.is_comparable(leads):
            continue
        later = judged.value == leads.value and int(version.version) > int(leader.version)
        if judged.beats(leads) or later:
            leader, leads = version, judged
    return leader
