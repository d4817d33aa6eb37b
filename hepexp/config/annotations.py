"""Whether a value from a configuration matches a type annotation, read from the annotation's syntax tree.

Plain values fit plain types; where the annotation names a class, only a node with a `_target_` does.
"""

import ast
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

TARGET = "_target_"
_ANY = ("Any", "object")

# bool is a subclass of int in Python, but `dropout: true` is a mistake; a number without a point is also a float.
_PLAIN: dict[str, Callable[[object], bool]] = {
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "Path": lambda value: isinstance(value, str),
    "None": lambda value: value is None,
    "list": lambda value: isinstance(value, list | tuple),
    "tuple": lambda value: isinstance(value, list | tuple),
    "Sequence": lambda value: isinstance(value, list | tuple),
    "dict": lambda value: isinstance(value, dict),
    "Mapping": lambda value: isinstance(value, dict),
}

# one of them, and several
_LISTS, _MAPPINGS = ("a list", "lists"), ("a mapping", "mappings")
_WORDS: dict[str, tuple[str, str]] = {
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "bool": ("true or false", "true or false"),
    "str": ("text", "texts"),
    "Path": ("a path", "paths"),
    "None": ("null", "null"),
    "list": _LISTS,
    "tuple": _LISTS,
    "Sequence": _LISTS,
    "dict": _MAPPINGS,
    "Mapping": _MAPPINGS,
}


def matches(value: object, annotation: ast.expr | None) -> bool:
    """Whether a value fits; a missing annotation and `Any` accept every plain value.

    It is not checked whether the class that a node names is that of the annotation.
    """
    match annotation:
        case None:
            return not is_node(value)
        case ast.Constant(value=None):
            return value is None
        case ast.Constant(value=str(text)):
            return matches(value, ast.parse(text, mode="eval").body)
        case ast.Name(id=name):
            return is_node(value) if is_class(annotation) else not is_node(value) and _PLAIN.get(name, _any)(value)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return matches(value, left) or matches(value, right)
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _matches_generic(value, name, _items(inner))
        case _:
            return is_node(value)


def is_node(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value describes an object."""
    return isinstance(value, Mapping) and TARGET in value


def is_class(annotation: ast.expr) -> bool:
    """Whether an annotation is the name of a class other than the plain types."""
    if isinstance(annotation, ast.Name):
        return annotation.id not in _PLAIN and annotation.id not in _ANY
    return isinstance(annotation, ast.Attribute)


def members(annotation: ast.expr | None) -> list[ast.expr]:
    """The members of a union, or a single type; empty for a missing annotation."""
    match annotation:
        case None:
            return []
        case ast.Constant(value=str(text)):
            return members(ast.parse(text, mode="eval").body)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return [*members(left), *members(right)]
        case ast.Subscript(value=ast.Name(id="Optional" | "Union"), slice=inner):
            return [member for item in _items(inner) for member in members(item)]
        case _:
            return [annotation]


def of_items(annotations: Iterable[ast.expr], value: Mapping | list) -> list[ast.expr]:
    """The types of the elements of a mapping or a list of these types."""
    names = ("dict", "Mapping") if isinstance(value, Mapping) else ("list", "tuple", "Sequence")
    held = [
        _items(annotation.slice)
        for annotation in annotations
        if isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id in names
    ]
    inner = [items[-1:] if isinstance(value, Mapping) else items for items in held]
    return [member for items in inner for item in items for member in members(item)]


def literals(annotation: ast.expr | None) -> list[object]:
    """The values that an annotation allows, for suggestions and completion: of Literal, or True and False of bool."""
    match annotation:
        case ast.Name(id="bool"):
            return [True, False]
        case ast.Constant(value=None):
            return [None]
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return [*literals(left), *literals(right)]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            return [ast.literal_eval(item) for item in _items(inner)]
        case _:
            return []


def spoken(annotation: ast.expr, many: bool = False) -> str:
    """What an annotation allows, in words: `a list of whole numbers or null` for Sequence[int] | None.

    Parameters
    ----------
    many : say it of several values, `whole numbers`.
    """
    match annotation:
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=str(text)):
            return spoken(ast.parse(text, mode="eval").body, many)
        case ast.Name(id=name) if name in _WORDS:
            return _WORDS[name][many]
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return spoken(ast.BinOp(inner, ast.BitOr(), ast.Constant(None)), many)
        case ast.BinOp(op=ast.BitOr()) | ast.Subscript(value=ast.Name(id="Union")):
            return _joined([word for part in members(annotation) for word in _alternatives(part, many)])
        case ast.Subscript(value=ast.Name(id="Literal")):
            return _joined(_alternatives(annotation, many))
        case ast.Subscript(value=ast.Name(id="dict" | "Mapping" as name), slice=inner):
            key, value = _items(inner)[0], _items(inner)[-1]
            of = f"of {spoken(key)}" if literals(key) else "of names"
            return f"{_WORDS[name][many]} {of} to {spoken(value, many=True)}"
        case ast.Subscript(value=ast.Name(id="list" | "tuple" | "Sequence" as name), slice=inner):
            items = [item for item in _items(inner) if not (isinstance(item, ast.Constant) and item.value is Ellipsis)]
            kinds = list(dict.fromkeys(spoken(item, many=True) for item in items))
            n = f"{len(items)} " if name == "tuple" and len(items) == len(_items(inner)) else ""
            return f"{_WORDS[name][many]} of {n}{' and '.join(kinds)}"
        case _:
            return ast.unparse(annotation)


def narrowed(value: object, annotation: ast.expr, key: str) -> tuple[object, ast.expr, str]:
    """The value, its type and its key inside a mapping that keep the whole from fitting; without one the whole."""
    of_values = [of for of in members(annotation) if _is_mapping(of)]
    if isinstance(value, dict) and len(of_values) == 1:
        of_key, *_, of_value = _items(of_values[0].slice)
        wrong = [name for name, item in value.items() if not matches(item, of_value)]  # none in one with a _target_
        if wrong and all(matches(name, of_key) for name in value):
            return narrowed(value[wrong[0]], of_value, f"{key}.{wrong[0]}")
    return value, annotation, key


def yaml_text(value: object) -> str:
    """A value in a message: text in quotes, other plain values as in YAML."""
    return _word(value) if value is None or isinstance(value, bool) else repr(value)


def _is_mapping(annotation: ast.expr) -> TypeGuard[ast.Subscript]:
    return (
        isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id in ("dict", "Mapping")
    )


def _alternatives(annotation: ast.expr, many: bool) -> list[str]:
    found = literals(annotation) if not (isinstance(annotation, ast.Name) and annotation.id == "bool") else []
    return [_word(value) for value in found] or [spoken(annotation, many)]


def _joined(words: list[str]) -> str:
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


def _word(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _matches_generic(value: object, name: str, inner: list[ast.expr]) -> bool:
    """`name[inner, ...]`."""
    if name == "Literal":
        return any(type(value) is type(item) and value == item for item in map(ast.literal_eval, inner))
    if name in ("Optional", "Union"):
        return (name == "Optional" and value is None) or any(matches(value, item) for item in inner)
    if name not in _PLAIN:
        return is_node(value)
    if is_node(value) or not _PLAIN[name](value):
        return False
    if isinstance(value, dict):
        return all(matches(key, inner[0]) and matches(item, inner[-1]) for key, item in value.items())
    if not isinstance(value, list | tuple):
        return False
    if name == "tuple" and not (isinstance(inner[-1], ast.Constant) and inner[-1].value is Ellipsis):
        return len(value) == len(inner) and all(map(matches, value, inner))
    return all(matches(item, inner[0]) for item in value)


def _items(inner: ast.expr) -> list[ast.expr]:
    """The part between the brackets of a type."""
    return inner.elts if isinstance(inner, ast.Tuple) else [inner]


def _any(value: object) -> bool:
    return True
