"""The keys of the root configuration that belong to no group: `seed`, `name`, `tags`, ..."""

import ast
import posixpath
import re
from collections.abc import Mapping

from hepexp.config.annotations import TARGET, is_node, matches, spoken, yaml_text
from hepexp.config.paths import runs_dir
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

RESERVED = ("data", "latest", "mlartifacts", "mlflow.db", "studies", "sweeps", "sweeps.db")  # what else lies in runs/
LONGEST = 120  # bytes; with the time and a number it still fits into the 255 of a file name
LARGEST_SEED = 2**32 - 1  # the largest that NumPy and Lightning accept


def check_values(config: Mapping) -> None:
    """Check the values of a run's own keys; names that are known only when a job starts (`${...}`) are checked then.

    Raises
    ------
    ConfigError : a seed out of range, or a name that cannot be that of a folder or a tag.
    """
    if not 0 <= config.get("seed", 0) <= LARGEST_SEED:
        raise ConfigError(f"seed must be from 0 to {LARGEST_SEED}, got {config['seed']}")
    for key in ("experiment", "name"):
        name = config.get(key)
        if name is not None and "${" not in name:
            check_folder(key, name)
    for tag in config.get("tags", ()):
        _check_tag(tag)


def check(config: dict, known: dict, key: str = "") -> None:
    """Check keys and types against the root file's own.

    Parameters
    ----------
    config : composed values.
    known : the root file's; there, an empty mapping accepts any keys, a null or an interpolation any text.
    key : position of this part in the configuration, with a final dot; empty at the top.

    Raises
    ------
    ConfigError : an unknown key, or a value of another type than the root file's.
    """
    if missing := [name for name in known if not key and name not in config]:
        raise ConfigError(f"a run needs the key {missing[0]}: it cannot be removed by ~{missing[0]}")
    for name, value in config.items():
        _refuse_nodes(value, f"{key}{name}")
        if name not in known:
            raise ConfigError(f"unknown key '{key}{name}'{did_you_mean(name, known)}; see: hepexp show train")
        ours = known[name]
        if isinstance(ours, dict) and isinstance(value, dict):
            if ours:
                check(value, ours, f"{key}{name}.")
        elif not matches(value, expected := ast.parse(_type(ours), mode="eval").body):
            raise ConfigError(
                f"{key}{name}: expected {spoken(expected)}, got {yaml_text(value)}; "
                "see: hepexp show train"
                + (f"; for text write '{key}{name}=\"{value}\"'" if "str" in _type(ours) else "")
            )


def _refuse_nodes(value: object, key: str) -> None:
    """Raise ConfigError for a `_target_` in these keys, at any depth."""
    if is_node(value):
        raise ConfigError(f"{key}: expected a plain value, got _target_ {value[TARGET]}")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        _refuse_nodes(item, f"{key}.{name}")


def _type(value: object) -> str:
    """The type of a value in the root file."""
    is_text = value is None or (isinstance(value, str) and "${" in value)
    return "str | None" if is_text else type(value).__name__


def check_folder(key: str, value: str) -> None:
    """Raise ConfigError for the name of an experiment or a run that cannot be the name of a folder."""
    if key == "experiment" and value.casefold() in RESERVED:
        raise ConfigError(f"experiment={value} is reserved: {runs_dir() / value} is not for runs; choose another name")
    if not re.fullmatch(r"[\w.,=+-]+", value) or len(value.encode()) > LONGEST or value.startswith("."):
        raise ConfigError(f"{key} must be letters, digits and . , = + - _ (at most {LONGEST}), got {value!r}")


def _check_tag(name: object) -> None:
    """Raise ConfigError for the name of a tag that MLflow would refuse once the run has begun."""
    is_path = (
        isinstance(name, str)
        and posixpath.normpath(name) == name
        and not name.startswith(("/", "."))
        and re.fullmatch(r"[\w./: -]{1,250}", name)
    )
    if not is_path:
        raise ConfigError(f"tags: a name must be letters, digits and . / : - _ (at most 250), got {name!r}")
