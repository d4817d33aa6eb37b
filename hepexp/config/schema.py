"""The constructor is the schema: what the signature and docstring of a target say, read without importing it.

Importing a model costs seconds (torch); its source text says the same in milliseconds. For that, signatures in hepexp
and its plugins are literal: annotated, documented, with literal defaults, no `**kwargs`.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isfinite

from hepexp.config import docstring, source, targets
from hepexp.config.annotations import matches
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

TARGET = "_target_"
LARGEST_INTEGER = 2**63 - 1  # what torch, NumPy and every file format here can hold


@dataclass(frozen=True)
class Parameter:
    """One key of an option.

    Parameters
    ----------
    name : the key.
    annotation : its type, None where the source has none.
    default : source text of its default, None where a value is required.
    doc : its meaning, from the docstring.
    """

    name: str
    annotation: ast.expr | None
    default: str | None
    doc: str

    @property
    def type(self) -> str:
        return ast.unparse(self.annotation) if self.annotation else "any"


@dataclass(frozen=True)
class Schema:
    """What a target can be configured with.

    Parameters
    ----------
    target : dotted path.
    doc : what it is, the docstring's first paragraph.
    parameters : the keys, in the order of the signature.
    runtime : keyword-only parameters of hepexp's and plugins' targets; the run supplies them, a configuration does not.
    is_open : whether keys that are not listed are accepted too (other libraries' classes).
    """

    target: str
    doc: str
    parameters: dict[str, Parameter]
    runtime: tuple[str, ...] = ()
    is_open: bool = False


@cache
def signature(target: str) -> Schema:
    """The schema of a class or function.

    Raises
    ------
    ConfigError : the target is not allowed or does not exist.
    """
    targets.check(target)
    definition, aliases = source.find(target)
    if isinstance(definition, ast.ClassDef):
        init = next((item for item in definition.body if getattr(item, "name", "") == "__init__"), None)
        if init is None:
            # Other libraries inherit constructors; only importing them would tell which.
            return Schema(target, _doc(definition), {}, is_open=not targets.is_own(target))
        doc = f"{ast.get_docstring(init) or ''}\n" + (ast.get_docstring(definition) or "")
    else:
        init, doc = definition, ast.get_docstring(definition) or ""
    meanings = {**_inherited(target, definition), **docstring.parameters(doc)}
    arguments = init.args.posonlyargs + init.args.args
    if isinstance(definition, ast.ClassDef):
        arguments = arguments[1:]  # self
    defaults = [None] * (len(arguments) - len(init.args.defaults)) + list(init.args.defaults)
    runtime = init.args.kwonlyargs
    if not targets.is_own(target):
        # Other libraries do not follow the rule that keyword-only parameters are the run's.
        arguments, defaults, runtime = arguments + runtime, defaults + init.args.kw_defaults, []
    return Schema(
        target=target,
        doc=_doc(definition),
        parameters={
            argument.arg: Parameter(
                name=argument.arg,
                annotation=source.expand(argument.annotation, aliases),
                default=ast.unparse(default) if default else None,
                doc=meanings.get(argument.arg, ""),
            )
            for argument, default in zip(arguments, defaults, strict=True)
        },
        runtime=tuple(argument.arg for argument in runtime),
        is_open=init.args.kwarg is not None,
    )


def check(node: Mapping, key: str, option: str = "") -> None:
    """Check a node with a `_target_` against the target's signature.

    Parameters
    ----------
    node : plain values; those that hold `_target_` themselves are checked in turn.
    key : where the node is in the configuration, e.g. `model`.
    option : the name of the chosen option, e.g. `lorentznet`, for messages.

    Raises
    ------
    ConfigError : a key that the signature lacks, a value of another type, or a required key that is missing.
    """
    try:
        found = signature(node[TARGET])
    except ConfigError as error:
        raise ConfigError(f"{key}={option or '...'}: {error}") from error
    option = option or node[TARGET].rpartition(".")[2]
    for name, value in node.items():
        if name == TARGET:
            continue
        parameter = found.parameters.get(name)
        if parameter is None and name in found.runtime:
            raise ConfigError(f"{key}.{name} is set by the run, not by the configuration")
        if parameter is None and not found.is_open:
            raise ConfigError(f"{key}.{name} is not an option of {option}{did_you_mean(str(name), found.parameters)}")
        check_value(value, parameter.annotation if parameter else None, f"{key}.{name}", f"{key}={option}")
    missing = [p.name for p in found.parameters.values() if p.default is None and p.name not in node]
    if missing and targets.is_own(node[TARGET]):
        raise ConfigError(f"{key}.{missing[0]} needs a value; see: hepexp show {key}={option}")


def check_value(value: object, annotation: ast.expr | None, key: str, shown: str) -> None:
    """Check one value, and the nodes with a `_target_` in it.

    Parameters
    ----------
    shown : what `hepexp show` prints the meaning of this key for.
    """
    if isinstance(value, Mapping) and TARGET in value:
        check(value, key)
    elif value == "???":
        raise ConfigError(f"{key} needs a value: {key}=...; see: hepexp show {shown}")
    elif any(isinstance(number, float) and not isfinite(number) for number in _flat(value)):
        raise ConfigError(f"{key} must be finite, got {value}; see: hepexp show {shown}")
    elif any(isinstance(number, int) and abs(number) > LARGEST_INTEGER for number in _flat(value)):
        raise ConfigError(f"{key} must be an integer of 64 bits, got {value}; see: hepexp show {shown}")
    elif not matches(value, annotation):
        expected = ast.unparse(annotation) if annotation else "any"
        got = f"{value!r} ({type(value).__name__})"
        raise ConfigError(f"{key}: expected {expected}, got {got}; see: hepexp show {shown}")
    else:
        items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for name, item in items:
            if isinstance(item, Mapping | list):
                check_value(item, None, f"{key}.{name}", shown)


def _flat(value: object) -> list[object]:
    """A value, or the values in a list of lists."""
    return [number for item in value for number in _flat(item)] if isinstance(value, list | tuple) else [value]


def _inherited(target: str, definition: ast.ClassDef | ast.FunctionDef) -> dict[str, str]:
    """What the docstring of a base class in hepexp or a plugin says of its parameters: each is described once."""
    meanings: dict[str, str] = {}
    if isinstance(definition, ast.ClassDef) and targets.is_own(target):
        module = target.rpartition(".")[0]
        for name in [base.id for base in definition.bases if isinstance(base, ast.Name)]:
            if source.is_known(module, name):
                meanings |= docstring.parameters(ast.get_docstring(source.find(f"{module}.{name}")[0]) or "")
    return meanings


def _doc(definition: ast.ClassDef | ast.FunctionDef) -> str:
    return docstring.summary(ast.get_docstring(definition) or "")
