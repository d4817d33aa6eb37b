"""What an option is: what its file says of it, and each of its keys, for `hepexp show` and the documentation."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepexp.config import catalog, expected, own_names, schema, yaml_file
from hepexp.config.nested import flatten
from hepexp.config.quoting import as_typed
from hepexp.config.recipe import RECIPE

LONGEST = 60  # characters of a mapping that is shown in one cell
ROOT = "train"  # the name of the root configuration, which belongs to no group


@dataclass(frozen=True)
class Option:
    """An option of a group, composed of the files that it includes and its own.

    Parameters
    ----------
    group : empty for the root configuration.
    header : the comments that open its file: what it is, and commands that use it.
    content : its values.
    reasons : why a value is what it is, by its key: the comment beside it.
    choices : options of other groups that it chooses.
    """

    group: str
    header: Sequence[str]
    content: dict[str, Any]
    reasons: dict[str, str]
    choices: dict[str, str | None]

    @property
    def target(self) -> str | None:
        """The class that it builds; None if it builds nothing, as a task does."""
        return self.content.get(schema.TARGET)

    @property
    def doc(self) -> str:
        """What the class is, in a sentence."""
        return schema.signature(self.content[schema.TARGET]).doc

    def key_rows(self) -> list[list[str]]:
        """Key, value (the file's, else the default), default, type and meaning of each key of the class.

        A value that is an object itself is shown by the name of its class, and its keys follow it.
        """
        return _keys(self.group, self.content, self.reasons)

    def recipe_rows(self) -> list[list[str]]:
        """Key, value and meaning of what a model's file sets for its training where nothing else is asked for."""
        of = flatten(self.content.get(RECIPE) or {})
        return [[key, _text(value), self.reasons.get(f"{RECIPE}.{key}", "")] for key, value in of.items()]

    def choice_rows(self) -> list[list[str]]:
        """Group and option of each choice."""
        return [[key, option or "(none)"] for key, option in self.choices.items() if not key.startswith("hydra/")]

    def value_rows(self) -> list[list[str]]:
        """Key, value and meaning of what it sets itself."""
        own = {key: value for key, value in self.content.items() if key not in ("defaults", "expected", "hydra")}
        return [[key, _text(value), self.reasons.get(key, "")] for key, value in flatten(own).items()]

    def expected(self) -> expected.Expected:
        """Its published and exact figures."""
        return expected.read(self.content.get("expected") or {})


def read(group: str, name: str, searched: Sequence[Path]) -> Option:
    """An option of a group; of the root configuration if the group is empty.

    Parameters
    ----------
    searched : the configuration folders.

    Raises
    ------
    ConfigError : there is no such option, or a file cannot be read.
    """
    files = catalog.files(group, name, searched) if group else [catalog.root_file(searched, name)]
    content: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    choices: dict[str, str | None] = {}
    for path in files:
        values = expected.as_written(yaml_file.load(path), yaml_file.text_of(path))
        set_here = flatten(values)
        reasons = {key: why for key, why in reasons.items() if key not in set_here} | yaml_file.reasons(path)
        content = own_names.merged(content, values)
        choices |= yaml_file.defaults(path)
    return Option(group, yaml_file.header(files[-1]), content, reasons, choices)


def _keys(key: str, content: dict[str, Any], reasons: dict[str, str]) -> list[list[str]]:
    rows = []
    for parameter in schema.signature(content[schema.TARGET]).parameters.values():
        name, default = f"{key}.{parameter.name}", _source_text(parameter.default)
        value: Any = content.get(parameter.name)
        is_object = isinstance(value, dict) and schema.TARGET in value
        meanings = dict.fromkeys([parameter.doc.rstrip("."), reasons.get(parameter.name, "")])
        shown = default if parameter.name not in content else _text(value)
        if is_object:
            shown = value[schema.TARGET].rpartition(".")[2]
        listed = isinstance(value, dict) and not is_object and len(shown) > LONGEST  # a row for each of its names
        rows.append([name, "" if listed else shown, default, parameter.type, "; ".join(filter(None, meanings))])
        if listed:
            rows += [[f"  {key}", _text(item), "", "", ""] for key, item in value.items()]
        if is_object:
            inner = f"{parameter.name}."
            whys = {path.removeprefix(inner): why for path, why in reasons.items() if path.startswith(inner)}
            rows += _keys(name, value, whys)
    return rows


def _source_text(default: str | None) -> str:
    """A default in a signature, as it would be written in YAML."""
    if default is None:
        return "(required)"
    try:
        return _text(ast.literal_eval(default))
    except ValueError:
        return default  # an expression, in another library's signature


def _text(value: Any) -> str:
    """A value as it is written in YAML and on the command line."""
    return as_typed(value, ", ")
