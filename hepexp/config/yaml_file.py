"""One configuration file: its values, and the comments that explain them."""

import re
from pathlib import Path

import yaml

from hepexp.errors import ConfigError

_COMMENT = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z_]\w*):(?P<value>.*?)(?:\s+#\s*(?P<why>.*))?$")


class _Loader(yaml.SafeLoader):
    """YAML as Hydra reads it: `1e-3` is a number, which YAML 1.1 reads as a string."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def load(path: Path) -> dict:
    """The content of a file, as plain values.

    Raises
    ------
    ConfigError : the file is not YAML, or not a mapping.
    """
    try:
        content = yaml.load(text_of(path), Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict | None):
        raise ConfigError(f"{path} must hold keys and values, got {type(content).__name__}")
    return content or {}


def text_of(path: Path) -> str:
    """A file's text, without the byte-order mark with which some editors begin files.

    Raises
    ------
    ConfigError : the file is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


def header(path: Path) -> list[str]:
    """The comment lines at the top of a file, without `#`; Hydra's own (`@package`) are left out."""
    lines = []
    for line in text_of(path).splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[1:].removeprefix(" ").rstrip())
    return [line for line in lines if not line.lstrip().startswith("@package")]


def description(path: Path) -> str:
    """One line that says what an option is."""
    return next((line for line in header(path) if line.strip()), "")


def reasons(path: Path) -> dict[str, str]:
    """The comment beside each key, including comment lines that follow it; nested keys are joined by dots."""
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []  # indentation and name of the keys that a line is nested in, then of its own
    key = None
    for line in text_of(path).splitlines():
        if match := _COMMENT.match(line):
            indent = len(match["indent"])
            above = [*((depth, name) for depth, name in above if depth < indent), (indent, match["key"])]
            key = ".".join(name for _, name in above)
            found[key] = match["why"] or ""
        elif key and line.startswith(" ") and line.lstrip().startswith("#"):
            found[key] = f"{found[key]} {line.lstrip().lstrip('# ')}".strip()
        else:
            key = None
    return {name: why for name, why in found.items() if why}


def defaults(path: Path) -> dict[str, str | None]:
    """The groups in a file's defaults list and the option chosen for each (None for none)."""
    chosen: dict[str, str | None] = {}
    for entry in load(path).get("defaults") or []:
        if isinstance(entry, dict):
            for key, value in entry.items():
                group = str(key).split()[-1].lstrip("/").split("@")[0]
                chosen[group] = None if value is None else str(value)
    return chosen


def optional(path: Path) -> set[str]:
    """The groups that a file's defaults list marks as optional."""
    keys = [str(key) for entry in load(path).get("defaults") or [] if isinstance(entry, dict) for key in entry]
    return {key.split()[-1] for key in keys if key.startswith("optional ")}


def included(path: Path) -> list[str]:
    """The other files of keys and values that a file's defaults list includes, as written there."""
    return [entry for entry in load(path).get("defaults") or [] if isinstance(entry, str) and entry != "_self_"]
