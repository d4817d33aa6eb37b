"""Objects chosen by the name of an option: `model.circuit=brick` is what conf/circuit/brick.yaml describes.

Which keys these are is read off the constructor: those that take a class of such a group. The description stands in the
composed configuration itself, so that single keys of it can be set, `model.circuit.n_layers=2`, and a run's record
holds the circuit whatever becomes of the file.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hepexp.config import catalog, kind, schema, yaml_file
from hepexp.config.annotations import TARGET, is_node, members, of_items
from hepexp.errors import ConfigError

GROUPS = {kind.GROUPS[group].bases[0]: group for group in ("circuit",)}
LISTS = {"circuit": ("hepexp.quantum.gate_list.GateList", "gates")}  # what a list in place of a name is

Place = tuple[list[ast.expr], str]  # the types of a value, and the module in which they are written


def described(
    below: Mapping[str, Any], above: object, searched: Sequence[Path], path: Sequence[str] = ()
) -> list[tuple[tuple[str, ...], dict]]:
    """The keys of such objects in one configuration that is put on another, with the description of each.

    Parameters
    ----------
    below : plain values.
    above : of the other one, what belongs under the keys `path`: a name, a list of gates, a description, or what holds
        any of these. A description that only changes keys of the one below is left out.
    searched : folders of configurations.

    Raises
    ------
    ConfigError : there is no option of this name.
    """
    place: Place = ([], "")
    inner: Any = below
    for key in path:
        if not isinstance(inner, Mapping):
            return []
        place, inner = _place_of(key, inner, place), inner.get(key)
    return [((*path, *rest), node) for rest, node in _described(inner, above, place, searched, tuple(path))]


def group_of(types: list[ast.expr], module: str) -> str | None:
    """The group whose options a value takes by their names, or None.

    Parameters
    ----------
    types : of the value: the members of a union.
    module : in which they are written.
    """
    wanted = schema.kind_of(types, module)
    return next((GROUPS[base] for base in wanted.bases if base in GROUPS), None) if wanted else None


def option(group: str, name: str, searched: Sequence[Path]) -> dict[str, Any]:
    """The description in an option's file, without what the file includes.

    Raises
    ------
    ConfigError : there is no such option, or it names no class.
    """
    content: dict[str, Any] = {}
    for file in catalog.files(group, name, searched):
        content |= yaml_file.load(file)
    content.pop("defaults", None)
    if TARGET not in content:
        raise ConfigError(f"{group}={name}: it has no _target_, the class to build; see: hepexp show {group}=NAME")
    return content


def _described(
    below: Any, above: object, place: Place, searched: Sequence[Path], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict]]:
    if group := group_of(*place):
        if isinstance(above, str):
            try:
                yield (), option(group, above, searched)
            except ConfigError as error:
                raise ConfigError(f"{'.'.join(path)}: {error}") from error
        elif isinstance(above, list):
            target, key = LISTS[group]
            yield (), {TARGET: target, key: above}
        elif is_node(above) and is_node(below) and above[TARGET] != below[TARGET]:
            yield (), dict(above)
    elif isinstance(above, Mapping):
        node = above if is_node(above) or not isinstance(below, Mapping) else below
        for key, value in above.items():
            inner = below.get(key) if isinstance(below, Mapping) else None
            found = _described(inner, value, _place_of(str(key), node, place), searched, (*path, str(key)))
            yield from (((str(key), *rest), made) for rest, made in found)


def _place_of(key: str, mapping: Mapping, place: Place) -> Place:
    """The types of the value of a key, which the class of a node says, or the types of the mapping."""
    if not is_node(mapping):
        return of_items(place[0], mapping), place[1]
    try:
        parameter = schema.signature(mapping[TARGET]).parameters.get(key)
    except ConfigError:  # an unknown class, which is refused later
        return [], ""
    return (members(parameter.annotation), parameter.module) if parameter else ([], "")
