"""Keys that take the weights from a run of another task: `needs` in the root configuration."""

from collections.abc import Mapping
from pathlib import Path

from hepexp.config import catalog, schema
from hepexp.config.annotations import is_node, matches
from hepexp.config.nested import flatten
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

KEY = "needs"


def tasks(content: Mapping) -> dict[str, str]:
    """The task that each key takes its weights from.

    Keys are joined by dots, in a file (`model.encoder.weights: NAME`) and on the command line
    (`needs.model.encoder.weights=NAME`); null removes a need.
    """
    return {key: task for key, task in flatten(content.get(KEY) or {}).items() if task not in (None, {})}


def missing(content: Mapping) -> dict[str, str]:
    """The needs whose key has no value yet."""
    return {key: task for key, task in tasks(content).items() if value_of(content, key) is None}


def value_of(content: Mapping, key: str) -> object:
    """The value of a dotted key; None also if a file leaves it out."""
    value: object = content
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def check(content: Mapping, searched: list[Path]) -> None:
    """Check that each need names a task, and a key of a constructor that takes a file.

    Raises
    ------
    ConfigError : one does not.
    """
    for key, task in tasks(content).items():
        if not isinstance(task, str):
            raise ConfigError(f"{KEY}.{key}: expected the name of a task, got {task!r}; see: hepexp list task")
        try:
            catalog.find("task", task, searched)
            _check_key(content, key)
        except ConfigError as error:
            raise ConfigError(f"{KEY}.{key}: {error}") from None


def _check_key(node: object, key: str) -> None:
    parts = key.split(".")
    for depth, part in enumerate(parts):
        at = ".".join(parts[:depth])
        if not isinstance(node, Mapping):
            raise ConfigError(f"{at} has no keys: it is {node!r}")
        known = schema.signature(node[schema.TARGET]).parameters if is_node(node) else node
        if part not in known:
            raise ConfigError(f"unknown key '{'.'.join(parts[: depth + 1])}'{did_you_mean(part, known)}")
        if depth + 1 < len(parts):
            node = node.get(part)
    annotation = known[part].annotation if is_node(node) else None
    if not is_node(node) or not matches("file", annotation) or not matches(None, annotation):
        raise ConfigError(f"{key} is not a key for a file of weights that may be null")
