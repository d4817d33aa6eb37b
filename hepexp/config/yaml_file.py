"""One configuration file: its values, and the comments that explain them."""

import re
from functools import lru_cache
from pathlib import Path

import yaml

from hepexp import regular_file
from hepexp.errors import ConfigError, DataError

_COMMENT = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z_]\w*):(?P<value>.*?)(?:\s+#\s*(?P<why>.*))?$")

DEEPEST = 50  # levels of a config; the recursion that copies one must not run out
TOO_DEEP = f"nested more than {DEEPEST} levels deep"
LARGEST = 2_000_000  # bytes: seconds of parsing


class _Loader(yaml.SafeLoader):
    """YAML as Hydra reads it: `1e-3` is a number, which YAML 1.1 reads as a string."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def load(path: Path) -> dict:
    """The content of a file, as plain values.

    Raises
    ------
    ConfigError : the file is not YAML, not a mapping, has an alias, or is nested too deep.
    """
    text = text_of(path)
    check(path, text)
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict | None):
        raise ConfigError(f"{path} must hold keys and values, got {type(content).__name__}")
    return content or {}


def text_of(path: Path) -> str:
    """A file's text, without the byte-order mark with which some editors begin files.

    Raises
    ------
    ConfigError : it is not a regular file, too large, or not UTF-8.
    """
    try:
        regular_file.check(path)
        if path.stat().st_size > LARGEST:
            raise ConfigError(
                f"{path} has {path.stat().st_size:,} bytes; a configuration has at most {LARGEST:,}, "
                "and names the data that it needs by their files"
            )
        return path.read_text(encoding="utf-8-sig")
    except DataError as error:
        raise ConfigError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


@lru_cache(maxsize=1000)  # a grid composes the same files for each job
def check(path: Path, text: str) -> None:
    """Check that a text spells its values out: a few lines of aliases of aliases stand for more than memory holds.

    Raises
    ------
    ConfigError : it is not YAML, has an alias, or is nested too deep.
    """
    level = 0
    try:
        for event in yaml.parse(text):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1
                raise ConfigError(f"{path}:{line} has an alias (*{event.anchor}); write out the value it stands for")
            level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if level > DEEPEST:
                raise ConfigError(f"{path}:{event.start_mark.line + 1} is {TOO_DEEP}")
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


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
