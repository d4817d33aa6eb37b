"""Figures of merit by the names that `evaluation.metrics` takes, read from the source of hepexp and of plug-ins."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from hepexp.config import metrics, source
from hepexp.config.annotations import is_node
from hepexp.config.kind import Kind
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

KIND = Kind((metrics.FIGURE_OF_MERIT,), f"a figure of merit: a {metrics.FIGURE_OF_MERIT}")
ALWAYS = ("accuracy", "auc", "rejection")
OF_BACKGROUND = "class_rejection"  # of every run with more than two classes and a background


@cache
def classes() -> dict[str, str]:
    """Dotted paths of the classes by their names, CalibrationError as calibration_error; hepexp's own come first."""
    found: dict[str, str] = {}
    for owner in metrics.owners_of_figures_of_merit():
        found.setdefault(metrics.snake_case(owner.rpartition(".")[2]), owner)
    return found


def find(name: str, key: str = "evaluation.metrics") -> str:
    """The dotted path of a class by its name, or by that of one of its figures: `auc_ovo`, `rejection_0.8`.

    Parameters
    ----------
    key : what the name was given for, for the error message.

    Raises
    ------
    ConfigError : there is no such figure of merit.
    """
    if path := classes().get(name):
        return path
    if (metric := metrics.find(name)) is not None:
        owners = {d.owner for d in metrics.named(metric.name)}
        if path := next((path for path in classes().values() if path in owners), None):
            return path
    raise ConfigError(
        f"{key}: there is no figure of merit '{name}'{did_you_mean(name, [*classes(), *_figures()])} (known: "
        f"{', '.join(classes())})"
    )


def _figures() -> list[str]:
    owners = classes().values()
    return [name for d in metrics.declarations() if d.owner in owners for name in d.metric.names]


def check(node: Mapping[str, Any] | None) -> None:
    """Refuse a figure of merit that does not exist, from the node of the group `evaluation`.

    Raises
    ------
    ConfigError : names it.
    """
    for item in (node or {}).get("metrics") or ():
        if isinstance(item, str):
            find(item)


def asked_for(node: Mapping[str, Any] | None) -> set[str]:
    """Dotted paths of the classes whose figures a run has on validation: those of every run, and its own."""
    given = (node or {}).get("metrics") or ()
    paths = {item["_target_"] if is_node(item) else find(item) for item in given}
    return {classes()[name] for name in ALWAYS} | {source.find(path).path for path in paths}


def name_of(owner: str) -> str | None:
    """The name under which `evaluation.metrics` takes a class; None for what every run has and for other classes."""
    found = next((name for name, path in classes().items() if path == owner), None)
    return None if found in ALWAYS else found
