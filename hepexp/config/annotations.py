"""Whether a value from a configuration is what a type annotation asks for, read from the annotation's syntax tree."""

import ast
from collections.abc import Callable

# bool is a subclass of int in Python, but `dropout: true` is a mistake; a number without a point is a float too.
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


def matches(value: object, annotation: ast.expr | None) -> bool:
    """Whether a value fits; an annotation that says nothing about plain values (a class, `Any`) accepts everything."""
    match annotation:
        case ast.Constant(value=None):
            return value is None
        case ast.Constant(value=str(text)):
            return matches(value, ast.parse(text, mode="eval").body)
        case ast.Name(id=name):
            return _PLAIN[name](value) if name in _PLAIN else True
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return matches(value, left) or matches(value, right)
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _matches_generic(value, name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
        case _:
            return True


def literals(annotation: ast.expr | None) -> list[object]:
    """The values that an annotation lists, for suggestions and completion: those of Literal, True and False of bool."""
    match annotation:
        case ast.Name(id="bool"):
            return [True, False]
        case ast.Constant(value=None):
            return [None]
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return [*literals(left), *literals(right)]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            return [ast.literal_eval(item) for item in (inner.elts if isinstance(inner, ast.Tuple) else [inner])]
        case _:
            return []


def _matches_generic(value: object, name: str, inner: list[ast.expr]) -> bool:
    """`name[inner, ...]`."""
    if name == "Literal":
        return any(type(value) is type(item) and value == item for item in map(ast.literal_eval, inner))
    if name in ("Optional", "Union"):
        return (name == "Optional" and value is None) or any(matches(value, item) for item in inner)
    if name not in _PLAIN:
        return True
    if not _PLAIN[name](value):
        return False
    if name in ("dict", "Mapping"):
        return all(matches(key, inner[0]) and matches(item, inner[-1]) for key, item in value.items())
    if name == "tuple" and not (isinstance(inner[-1], ast.Constant) and inner[-1].value is Ellipsis):
        return len(value) == len(inner) and all(map(matches, value, inner))
    return all(matches(item, inner[0]) for item in value)
