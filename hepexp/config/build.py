"""Turn a configuration node into the object that it describes."""

import ast
from collections.abc import Mapping
from inspect import signature
from typing import Any

from omegaconf import DictConfig

from hepexp.config import kind, named_objects, schema, targets
from hepexp.config.annotations import TARGET, is_node, members, of_items
from hepexp.config.content import content_of
from hepexp.config.kind import Kind
from hepexp.errors import ConfigError


def instantiate(node: Mapping, group: str, **runtime: Any) -> Any:
    """Import the class that a group's node names and call it.

    Parameters
    ----------
    node : `_target_` and its keys; values that have a `_target_` themselves are built first.
    group : of the node, e.g. `model`.
    runtime : what only the run knows, not the configuration. A class receives those values that its constructor
        takes from the run.

    Raises
    ------
    ConfigError : a `_target_` that is not a class of the kind expected there, or one that does not accept these keys or
        values. Nothing is imported before the whole node has been checked.
    """
    schema.check(_plain(node), group)
    return construct(node, group, **runtime)


def construct(node: Mapping, group: str, **runtime: Any) -> Any:
    """Like `instantiate`, for a node that `schema.check_nodes` has accepted with all others of a run."""
    return _object(_plain(node), kind.of_group(group), runtime, group)


def _object(node: Mapping, wanted: Kind, runtime: dict[str, Any], where: str) -> Any:
    """What a node describes that stands in the configuration under the key `where`."""
    target = targets.load(node[TARGET], wanted)
    known = schema.signature(node[TARGET])
    values = {
        key: _value(
            value, members(known.parameters[key].annotation), known.parameters[key].module, runtime, f"{where}.{key}"
        )
        for key, value in node.items()
        if key != TARGET
    }
    values |= {name: runtime[name] for name in known.runtime if name in runtime}
    try:
        signature(target).bind(**values)
    except TypeError as error:
        given = f"; the run supplies {', '.join(runtime)}" if runtime else ""
        raise ConfigError(f"{target.__module__}.{target.__name__}: {error}{given}") from error
    return target(**values)


def _value(value: Any, annotations: list[ast.expr], module: str, runtime: dict[str, Any], where: str) -> Any:
    if is_node(value):
        try:
            wanted = schema.kind_of(annotations, module)
            assert wanted is not None, "the schema refuses an object where a plain value belongs"
            return _object(value, wanted, runtime, where)
        except ConfigError as error:
            if named_objects.group_of(annotations, module) is None:
                raise
            raise ConfigError(f"{where}: {error}") from error  # a circuit does not know whose it is
    if isinstance(value, Mapping):
        held = of_items(annotations, value)
        return {key: _value(item, held, module, runtime, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        held = of_items(annotations, value)
        return [_value(item, held, module, runtime, where) for item in value]
    return value


def _plain(node: Mapping) -> dict[str, Any]:
    """Plain values of an OmegaConf node, interpolations resolved; a plain mapping is returned unchanged."""
    return content_of(node, resolve=True) if isinstance(node, DictConfig) else dict(node)
