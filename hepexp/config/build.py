"""Turn a configuration node into the object that it describes."""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

from hepexp.config import targets
from hepexp.config.schema import TARGET
from hepexp.errors import ConfigError, HepexpError


def instantiate(node: Mapping, **runtime: Any) -> Any:
    """Import a node's `_target_` and call it.

    Parameters
    ----------
    node : `_target_` and its keys; values that hold `_target_` themselves are built first.
    runtime : what the run knows and a configuration does not. A target receives those that its signature names
        keyword-only, or, for other libraries' targets, as required (`params` of an optimizer).

    Raises
    ------
    ConfigError : the target is not allowed, or does not take these keys or values.
    """
    values = _plain(node)
    target = targets.load(values.pop(TARGET, None))
    values = {key: _build(value, runtime) for key, value in values.items()}
    accepted = signature(target)
    for name, parameter in accepted.parameters.items():
        if name in runtime and name not in values and _is_supplied(parameter):
            values[name] = runtime[name]
    try:
        accepted.bind(**values)
    except TypeError as error:
        given = f"; a run gives {', '.join(runtime)}" if runtime else ""
        raise ConfigError(f"{target.__module__}.{target.__name__}: {error}{given}") from error
    try:
        return target(**values)
    except HepexpError:
        raise
    except (TypeError, ValueError) as error:
        # Other libraries do not know ConfigError; in hepexp and plugins these two are a programmer's mistake.
        if targets.is_own(node[TARGET]):
            raise
        raise ConfigError(f"{node[TARGET]}: {error}") from error


def _build(value: Any, runtime: dict[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return instantiate(value, **runtime) if TARGET in value else {k: _build(v, runtime) for k, v in value.items()}
    if isinstance(value, list):
        return [_build(item, runtime) for item in value]
    return value


def _is_supplied(parameter: Parameter) -> bool:
    return parameter.kind is Parameter.KEYWORD_ONLY or parameter.default is Parameter.empty


def _plain(node: Mapping) -> dict[str, Any]:
    """Plain values of an OmegaConf node, interpolations resolved; a plain mapping stays as it is."""
    if hasattr(node, "_get_node"):
        from omegaconf import OmegaConf

        return OmegaConf.to_container(node, resolve=True)
    return dict(node)
