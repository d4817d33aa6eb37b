"""What a `_target_` may point to, and where its source is.

A configuration can come from anywhere, so it may name only classes and functions that are defined in hepexp, in the
libraries that it builds on, and in packages that the user has registered.
"""

import importlib
from inspect import isclass, isfunction
from pathlib import Path
from types import ModuleType

from hepexp.config import place, plugins
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, HepexpError

ALLOWED = ("hepexp", "torch", "torchmetrics", "pytorch_lightning")


def is_own(target: str) -> bool:
    """Whether a target is held to the rule that its constructor is the schema: hepexp's and the plugins' are."""
    return any(_inside(target, package) for package in ("hepexp", *plugins.packages()))


def check(target: object) -> None:
    """Check that a target is the dotted path of something in an allowed package.

    Raises
    ------
    ConfigError : it is not.
    """
    if not isinstance(target, str) or not all(part.isidentifier() for part in target.split(".")):
        raise ConfigError(f"_target_ must be a dotted path such as hepexp.models.pfn.PFN, got {target!r}")
    allowed = (*ALLOWED, *plugins.packages())
    if not any(_inside(target, package) for package in allowed):
        raise ConfigError(
            f"_target_ {target} is not allowed{did_you_mean(target.split('.')[0], allowed)} (allowed packages: "
            f"{', '.join(allowed)}; register your own by an entry point in the group {plugins.GROUP})"
        )


def module_file(module: str) -> Path | None:
    """The source file of a module, found without importing it."""
    folder = plugins.package_dir(module.split(".")[0])
    if folder is None:
        return None
    path = folder.joinpath(*module.split(".")[1:])
    return next((file for file in (path.parent / f"{path.name}.py", path / "__init__.py") if file.is_file()), None)


def load(target: str) -> type:
    """Import a target.

    Raises
    ------
    ConfigError : it is not allowed, does not exist, cannot be imported, or is neither a class nor a function of an
        allowed package.
    """
    check(target)
    module, _, name = target.rpartition(".")
    if module_file(module) is None:
        raise ConfigError(f"_target_ {target} does not exist: there is no module {module}")
    found = getattr(_import(module, target), name, None)
    if found is None:
        raise ConfigError(f"_target_ {target} does not exist: {module} has no {name}")
    if not isclass(found) and not isfunction(found):
        raise ConfigError(f"_target_ {target} must be a class or a function, got {type(found).__name__}")
    # `hepexp.some.module.name` may be something that the module has imported from elsewhere.
    check(f"{found.__module__}.{found.__name__}")
    return found


def _import(module: str, target: str) -> ModuleType:
    """Import a module; what goes wrong inside it is said with its place."""
    try:
        return importlib.import_module(module)
    except HepexpError:
        raise
    except Exception as error:
        raise ConfigError(f"_target_ {target} cannot be imported: {place.describe(error)}") from error


def _inside(target: str, package: str) -> bool:
    return target.startswith(f"{package}.")
