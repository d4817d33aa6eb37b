"""The parameters of a class's constructor, read from the source of the class and of its bases.

As in Python, a class without a constructor has that of its nearest base, and an `__init__` names all that it accepts;
its keyword-only parameters are supplied by the run. The constructor of a dataclass, and of a class that derives from
AnnotatedKeys, takes the annotated attributes of the class and of its bases; those that are FromRun are supplied by the
run.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from hepexp.config import docstring, source
from hepexp.config.source import Found

_ANNOTATED_KEYS = "hepexp.config.annotated_keys.AnnotatedKeys"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a constructor.

    Parameters
    ----------
    name : the key.
    annotation : its type, None if the source has none.
    default : source text of its default, None if a value is required.
    doc : its meaning, from the docstrings of the class and its bases.
    module : where it is defined; names in the annotation are resolved there.
    from_run : whether the run supplies it, not a configuration.
    """

    name: str
    annotation: ast.expr | None
    default: str | None
    doc: str
    module: str
    from_run: bool

    @property
    def type(self) -> str:
        return ast.unparse(self.annotation) if self.annotation else "any"


def parameters(found: Found) -> list[Parameter]:
    """The parameters of a class's constructor: its own before those of its bases."""
    line = [ancestor for ancestor in source.ancestors(found) if isinstance(ancestor, Found)]
    meanings: dict[str, str] = {}
    for owner in reversed(line):
        documented: list[source.Definition | None] = [_init(owner), owner.definition]
        for definition in documented:
            if definition is not None:
                meanings |= docstring.parameters(ast.get_docstring(definition) or "")
    for depth, owner in enumerate(line):
        if init := _init(owner):
            return list(_of_arguments(init.args, owner, meanings))
        if _is_dataclass(owner):
            return list(_of_attributes([base for base in line[depth:] if _is_dataclass(base)], meanings))
    return []


def _of_arguments(arguments: ast.arguments, owner: Found, meanings: dict[str, str]) -> Iterator[Parameter]:
    plain = (arguments.posonlyargs + arguments.args)[1:]  # without self
    defaults = [*[None] * (len(plain) - len(arguments.defaults)), *arguments.defaults, *arguments.kw_defaults]
    for argument, default in zip([*plain, *arguments.kwonlyargs], defaults, strict=True):
        yield _parameter(argument.arg, argument.annotation, default, owner, meanings, argument in arguments.kwonlyargs)


def _of_attributes(line: list[Found], meanings: dict[str, str]) -> Iterator[Parameter]:
    seen = {"_"}  # `_: KW_ONLY` is no attribute
    for owner in line:
        for statement in owner.definition.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value) if name not in seen:
                    seen.add(name)
                    outer, inner = _outer(annotation)
                    if outer != "ClassVar" and _option(value, "init") != "False":
                        kept = inner if outer in ("FromRun", "InitVar") else annotation
                        yield _parameter(name, kept, _default(value), owner, meanings, outer == "FromRun")


def _parameter(
    name: str,
    annotation: ast.expr | None,
    default: ast.expr | None,
    owner: Found,
    meanings: dict[str, str],
    from_run: bool,
) -> Parameter:
    return Parameter(
        name=name,
        annotation=source.expand(annotation, owner.aliases),
        default=ast.unparse(default) if default else None,
        doc=meanings.get(name, ""),
        module=owner.module,
        from_run=from_run,
    )


def _init(owner: Found) -> ast.FunctionDef | None:
    functions = [item for item in owner.definition.body if isinstance(item, ast.FunctionDef)]
    return next((item for item in functions if item.name == "__init__"), None)


def _is_dataclass(owner: Found) -> bool:
    decorators = [item.func if isinstance(item, ast.Call) else item for item in owner.definition.decorator_list]
    return "dataclass" in map(_last_name, decorators) or any(
        isinstance(ancestor, Found) and ancestor.path == _ANNOTATED_KEYS for ancestor in source.ancestors(owner)
    )


def _outer(annotation: ast.expr) -> tuple[str, ast.expr | None]:
    """`ClassVar` and `int` of `ClassVar[int]`; a name alone has nothing within."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    if isinstance(annotation, ast.Subscript):
        return _last_name(annotation.value), annotation.slice
    return _last_name(annotation), None


def _default(value: ast.expr | None) -> ast.expr | None:
    """The default of an attribute; that of `field(default=..., default_factory=...)` is inside."""
    if not _is_field(value):
        return value
    factory = _keyword(value, "default_factory")
    return ast.Call(factory, [], []) if factory else _keyword(value, "default")


def _option(value: ast.expr | None, name: str) -> str:
    """The text of an argument of `field(...)`; empty if there is none."""
    found = _keyword(value, name) if _is_field(value) else None
    return ast.unparse(found) if found else ""


def _is_field(value: ast.expr | None) -> TypeGuard[ast.Call]:
    return isinstance(value, ast.Call) and _last_name(value.func) == "field"


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _last_name(expression: ast.expr) -> str:
    """`dataclass` of `dataclasses.dataclass`; empty for anything but a name."""
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
