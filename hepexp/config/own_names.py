"""Mappings whose names are the user's own, such as `classes: {QCD: 0, top: 1}`: a new one stands in place of the other.

Configurations are merged key by key, as the keys of a class are the same in all of them. Where the keys are names, the
two mappings would become one that nobody wrote. Which these are is read off the constructor: `Mapping[str, ...]`, while
`Mapping[Literal["train", "val"], float]` has fixed names, and is merged. A single entry is still set by its whole key,
`dataset.classes.top=5`.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hepexp.config import schema
from hepexp.config.annotations import TARGET, is_node, members, of_items
from hepexp.errors import ConfigError


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of two configurations as one; where both have a value, the second one's."""
    both = _merged(below, above)
    put_back(both, below, above)
    return both


def put_back(both: dict[str, Any], below: Mapping[str, Any], above: Mapping[str, Any]) -> None:
    """Give the merged values `both` those mappings of `above` that replace others, without the entries of these."""
    for *path, last in replaced(below, above):
        _at(both, path)[last] = _at(above, path)[last]


def replaced(below: Mapping, above: object, path: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """The keys under which one configuration has mappings, or lists in their place, that another one replaces.

    Parameters
    ----------
    above : of the other one, what belongs under the keys `path`.
    """
    types: list[ast.expr] = []
    inner: object = below
    for key in path:
        if not isinstance(inner, Mapping):
            return []
        types, inner = _types_of(key, inner, types), inner.get(key)
    return [(*path, *rest) for rest in _replaced(inner, above, types)]


def _replaced(below: object, above: object, types: list[ast.expr]) -> Iterator[tuple[str, ...]]:
    if not isinstance(below, Mapping | list) or not isinstance(above, Mapping | list):
        return
    if not is_node(below) and any(map(_has_own_names, types)):
        yield ()
        return
    if isinstance(below, list) or isinstance(above, list):
        return
    for key in above.keys() & below.keys():
        inner = _types_of(key, above if is_node(above) else below, types)
        yield from ((key, *rest) for rest in _replaced(below[key], above[key], inner))


def _types_of(key: str, mapping: Mapping, types: list[ast.expr]) -> list[ast.expr]:
    """The types of the value of a key, which the class of a node says, or the types of the mapping."""
    if not is_node(mapping):
        return of_items(types, mapping)
    try:
        parameter = schema.signature(mapping[TARGET]).parameters.get(key)
    except ConfigError:  # an unknown class, which is refused later
        return []
    return members(parameter.annotation) if parameter else []


def _has_own_names(annotation: ast.expr) -> bool:
    match annotation:
        case ast.Name(id="dict" | "Mapping"):
            return True
        case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[names, _])):
            return not (isinstance(names, ast.Subscript) and ast.unparse(names.value) == "Literal")
    return False


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = [key for key in above if isinstance(above[key], Mapping) and isinstance(below.get(key), Mapping)]
    return {**below, **above, **{key: _merged(below[key], above[key]) for key in both}}


def _at(config: Any, path: Sequence[str]) -> Any:
    for key in path:
        config = config[key]
    return config
