"""The constructor is the schema: the signature and docstring of a target, read without importing it.

Importing a model takes seconds (torch); reading its source text takes milliseconds and runs nothing. That is why
signatures in hepexp and its plugins are literal: annotated, documented, with literal defaults, no `**kwargs`.
"""

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from hepexp.config import constructor, docstring, former, kind, new_head, source, targets
from hepexp.config.annotations import TARGET, is_class, is_node, matches, members, narrowed, of_items, spoken, yaml_text
from hepexp.config.constructor import Parameter
from hepexp.config.kind import Kind
from hepexp.config.nested import leaves
from hepexp.config.quoting import cut_expression
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, DataError

LARGEST_REAL = 3.4e38  # of single precision
LARGEST_INTEGER = 2**63 - 1  # what torch, NumPy and every file format here can represent


@dataclass(frozen=True)
class Schema:
    """The configuration that a class accepts.

    Parameters
    ----------
    doc : the docstring's first paragraph.
    parameters : the keys, a class's own before those of its bases.
    runtime : parameters that are supplied by the run, not by a configuration.
    """

    doc: str
    parameters: dict[str, Parameter]
    runtime: tuple[str, ...] = ()


@cache
def signature(target: str) -> Schema:
    """The schema of a class.

    Raises
    ------
    ConfigError : the target is not allowed, does not exist, or is not a class.
    """
    targets.check(target)
    found = source.find(target)
    if not isinstance(found.definition, ast.ClassDef):
        raise ConfigError(f"_target_ {target} is a function; expected a class")
    accepted = constructor.parameters(found)
    if new_head.is_offered(accepted):
        accepted = [*accepted, new_head.PARAMETER]
    return Schema(
        doc=docstring.summary(ast.get_docstring(found.definition) or ""),
        parameters={parameter.name: parameter for parameter in accepted if not parameter.from_run},
        runtime=tuple(parameter.name for parameter in accepted if parameter.from_run),
    )


def check(node: Mapping, group: str, option: str = "") -> None:
    """Check the node of a group against the signature of its class, and nested nodes against those of their classes.

    Parameters
    ----------
    node : plain values with a `_target_`.
    group : e.g. `model`.
    option : the name of the chosen option, e.g. `lorentznet`, for messages.

    Raises
    ------
    ConfigError : a `_target_` that is not a class of the kind expected there, a key that the signature lacks, a value
        of another type, or a missing required key.
    """
    _check_node(node, kind.of_group(group), group, option)


def check_nodes(content: Mapping, groups: Iterable[str], chosen: Mapping[str, str]) -> None:
    """Check that each of these groups has a node, and each node against the constructor of its class.

    Parameters
    ----------
    content : a whole configuration, plain values.
    chosen : the option of each group, for error messages.

    Raises
    ------
    ConfigError : a node is missing, or cannot be built; nothing has been imported or called.
    """
    for group in groups:
        node = content.get(group)
        if isinstance(node, Mapping) and not is_node(node):
            option = f"{group}={chosen[group]}" if chosen.get(group) else group
            raise ConfigError(f"{option}: it has no _target_, the class to build; see: hepexp show {group}=NAME")
        if not is_node(node):
            raise ConfigError(f"{group}: choose an option first, {group}=NAME; see: hepexp list {group}")
        check(node, group, chosen.get(group, ""))


def accepted(target: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some values whose keys a class has."""
    known = signature(target).parameters
    return {key: value for key, value in values.items() if key in known}


def check_record(content: Mapping, path: Path) -> None:
    """Check that a run can be built from its recorded config.

    Parameters
    ----------
    content : plain values.
    path : of the file, for error messages.

    Raises
    ------
    DataError : a node is missing, or cannot be built; nothing has been imported or called.
    """
    try:
        check_nodes(content, kind.OF_EVERY_RUN, content.get("choices") or {})
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error


def kind_of(annotations: list[ast.expr], module: str) -> Kind | None:
    """The kind of object that a place of these types accepts, or None. A torch.nn.Module is a model.

    Parameters
    ----------
    annotations : the members of a union.
    module : module that contains them.
    """
    classes = [annotation for annotation in annotations if is_class(annotation)]
    bases = tuple(path for annotation in classes if (path := source.resolve(module, annotation)))
    if kind.MODULE in bases:
        return kind.of_group("model")
    return Kind(bases, " or ".join(bases)) if bases else None


def _check_node(node: Mapping, wanted: Kind, key: str, option: str = "", within: str = "") -> None:
    """Check a node.

    Parameters
    ----------
    option : its name in its group, if it is an option of one.
    within : the option that it is a part of, `model=hybrid_cnn`, of which `hepexp show` prints the keys.
    """
    try:
        target = targets.check_kind(node.get(TARGET), wanted)
        found = signature(target)
    except ConfigError as error:
        raise ConfigError(f"{key}{f'={option}' if option else ''}: {error}") from error
    option = option or target.rpartition(".")[2]
    shown = within or f"{key}={option}"
    for name, value in node.items():
        if name == TARGET:
            continue
        if today := former.renamed(target, name, value):
            given = str(value).lower() if isinstance(value, bool) else value
            raise ConfigError(f"{key}.{name}={given} is a former spelling; it is now {key}.{today}")
        parameter = found.parameters.get(name)
        if parameter is None and name in found.runtime:
            raise ConfigError(f"{key}.{name} is set by the run, not by the configuration")
        if parameter is None:
            raise ConfigError(f"{key}.{name} is not an option of {option}{did_you_mean(str(name), found.parameters)}")
        _check_value(value, parameter.annotation, f"{key}.{name}", shown)
        _check_inner(value, members(parameter.annotation), parameter.module, f"{key}.{name}", shown)
    missing = [p.name for p in found.parameters.values() if p.default is None and p.name not in node]
    if missing:
        raise ConfigError(f"{key}.{missing[0]} needs a value; see: hepexp show {shown}")


def _check_value(value: object, annotation: ast.expr | None, key: str, shown: str) -> None:
    """Check one value; `hepexp show` prints the meaning of its key for the option `shown`."""
    if value == "???":
        raise ConfigError(f"{key} needs a value: {key}=...; see: hepexp show {shown}")
    for place, number in leaves(value, key):
        if isinstance(number, float) and not isfinite(number):
            raise ConfigError(f"{place} must be finite, got {number}; see: hepexp show {shown}")
        if isinstance(number, float) and abs(number) > LARGEST_REAL:
            raise ConfigError(f"{place} must be at most {LARGEST_REAL} in size, got {number}; see: hepexp show {shown}")
        if isinstance(number, int) and abs(number) > LARGEST_INTEGER:
            raise ConfigError(f"{place} must fit in 64 bits, got {number}; see: hepexp show {shown}")
    if not matches(value, annotation):
        cut = cut_expression(value)
        if annotation and not cut:
            value, annotation, key = narrowed(value, annotation, key)
        expected = spoken(annotation) if annotation else "a plain value"
        got = f"_target_ {value[TARGET]}" if is_node(value) else yaml_text(value)
        hint = f"YAML cuts at commas: write '{cut}' in quotes" if cut else f"see: hepexp show {shown}"
        texts = [str(item) for item in value] if isinstance(value, list) else None
        if texts and matches(texts, annotation):
            hint += f"; for texts write '{key}={json.dumps(texts)}'"
        raise ConfigError(f"{key}: expected {expected}, got {got}; {hint}")


def _check_inner(value: object, annotations: list[ast.expr], module: str, key: str, shown: str) -> None:
    """Check the nodes in a value, each against what its place accepts."""
    if is_node(value):
        wanted = kind_of(annotations, module)
        if wanted is None:
            raise ConfigError(f"{key}: expected a plain value, got _target_ {value[TARGET]}")
        _check_node(value, wanted, key, within=shown)
    elif isinstance(value, Mapping | list):
        held = of_items(annotations, value)
        for name, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            _check_inner(item, held, module, f"{key}.{name}", shown)
