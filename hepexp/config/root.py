"""The keys of the root configuration that belong to no group: `seed`, `name`, `tags`, ..."""

import ast

from hepexp.config.annotations import matches
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError


def check(config: dict, known: dict, key: str = "") -> None:
    """Check keys and types against the root file's own.

    Parameters
    ----------
    config : composed values.
    known : the root file's; an empty mapping there takes any keys, a null or an interpolation any text.
    key : where this part is in the configuration, with a final dot; empty at the top.

    Raises
    ------
    ConfigError : an unknown key, or a value of another type than the root file's.
    """
    for name, value in config.items():
        if name not in known:
            raise ConfigError(f"unknown key '{key}{name}'{did_you_mean(name, known)}; see: hepexp show train")
        ours = known[name]
        if isinstance(ours, dict) and isinstance(value, dict):
            if ours:
                check(value, ours, f"{key}{name}.")
        elif not matches(value, ast.parse(_type(ours), mode="eval").body):
            raise ConfigError(
                f"{key}{name}: expected {_type(ours)}, got {value!r} ({type(value).__name__}); see: hepexp show train"
                + (f"; for text write '{key}{name}=\"{value}\"'" if "str" in _type(ours) else "")
            )


def _type(value: object) -> str:
    """The type that a value in the root file stands for."""
    is_text = value is None or (isinstance(value, str) and "${" in value)
    return "str | None" if is_text else type(value).__name__
