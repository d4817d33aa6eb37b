"""Which `_target_` a place in a configuration accepts, and the class that it names.

A configuration can come from anywhere, so it may choose only among classes of the kind expected in a place that are
defined in hepexp or in a package registered by the user. This is read from the source: a class that is refused is
neither imported nor called.
"""

import importlib
from inspect import isclass
from types import ModuleType
from typing import Any

from hepexp.config import kind, plugins
from hepexp.config.kind import Kind
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, HepexpError


def check(target: object) -> str:
    """The target, if it is a dotted path into hepexp or a registered package.

    Raises
    ------
    ConfigError : it is not.
    """
    if not isinstance(target, str) or not all(part.isidentifier() for part in target.split(".")):
        raise ConfigError(f"_target_ must be a dotted path such as hepexp.models.pfn.PFN, got {target!r}")
    if not plugins.is_own(target):
        packages = plugins.own()
        raise ConfigError(
            f"_target_ {target} is not allowed{did_you_mean(target.split('.')[0], packages)} (allowed packages: "
            f"{', '.join(packages)}; register your own by an entry point in the group {plugins.GROUP})"
        )
    return target


def check_kind(target: object, wanted: Kind) -> str:
    """The target, if it names a class of a kind, by its source alone.

    Raises
    ------
    ConfigError : it does not. A class whose bases are in other libraries is checked when it is loaded.
    """
    path = check(target)
    if kind.is_a(path, wanted) is False:
        raise ConfigError(f"_target_ {path} is not {wanted.noun}")
    return path


def load(target: object, wanted: Kind) -> type[Any]:
    """Import the class that a target names.

    Raises
    ------
    ConfigError : it is not allowed, does not exist, cannot be imported, or is not a class of this kind.
    """
    path = check_kind(target, wanted)
    module, _, name = path.rpartition(".")
    found = getattr(_import(module, path), name, None)
    if found is None:
        raise ConfigError(f"_target_ {path} does not exist: {module} has no {name}")
    if not isclass(found) or not kind.fits(found, wanted):
        raise ConfigError(f"_target_ {path} is not {wanted.noun}")
    return found


def _import(module: str, target: str) -> ModuleType:
    """Import a module; an error inside it is reported with its location."""
    try:
        return importlib.import_module(module)
    except HepexpError:
        raise
    except Exception as error:
        raise ConfigError(f"_target_ {target} cannot be imported: {plugins.describe(error)}") from error
