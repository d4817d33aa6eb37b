"""Packages that a user has registered through the `hepexp.plugins` entry point.

The entry point names a package. Its modules may be a `_target_`, and its `conf` folder joins the search path.
"""

import traceback
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from hepexp.config import former

GROUP = "hepexp.plugins"


class Plugin(NamedTuple):
    """One entry point: its name, the package that it names, and the distribution (name and version) that has it."""

    name: str
    package: str
    distribution: str


@cache
def registered() -> tuple[Plugin, ...]:
    """The entry points, each package once, in alphabetical order."""
    found = {}
    for point in entry_points(group=GROUP):
        package = point.value.split(":")[0].strip()
        found[package] = Plugin(point.name, package, f"{point.dist.name} {point.dist.version}" if point.dist else "")
    return tuple(found[package] for package in sorted(found))


def packages() -> tuple[str, ...]:
    """Names of the registered packages, each once, in alphabetical order."""
    return tuple(plugin.package for plugin in registered())


def own() -> tuple[str, ...]:
    """The packages whose classes a configuration may name: hepexp and the registered ones."""
    return ("hepexp", *packages())


def is_own(target: str) -> bool:
    """Whether a dotted path leads into one of them."""
    return any(target.startswith(f"{package}.") for package in own())


def package_dir(name: str) -> Path | None:
    """The folder of a package, found without importing it; None if it is not installed."""
    root, *inner = name.split(".")
    try:
        spec = find_spec(root)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))).joinpath(*inner)
    return folder if folder.is_dir() else None


def conf_dirs() -> list[Path]:
    """The `conf` folders of the registered packages."""
    folders = [package_dir(name) for name in packages()]
    return [folder / "conf" for folder in folders if folder and (folder / "conf").is_dir()]


def missing() -> list[str]:
    """One line for each entry point whose package is missing."""
    return [
        f"plug-in {plugin.name}: its entry point names {plugin.package}, but there is no such package (a folder of "
        f"modules); install it, or: pip uninstall {plugin.distribution.split(' ')[0] or plugin.name}"
        for plugin in registered()
        if package_dir(plugin.package) is None
    ]


def describe(error: BaseException) -> str:
    """The error's kind and message, with the innermost file and line of a plug-in if it passed through one.

    If the line imports something that has moved, its present place is given.
    """
    text = f"{type(error).__name__}: {error}"
    folders = [folder for folder in map(package_dir, packages()) if folder]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if any(Path(frame.filename).is_relative_to(folder) for folder in folders):
            moved = former.imported(frame.line or "") if isinstance(error, ImportError) else []
            hint = "".join(f"; it is {path} now" for path in moved)
            if not hint and isinstance(error, ImportError) and str(error.name).startswith("hepexp."):
                hint = "; hepexp's modules have moved, or this one is gone: see its CHANGELOG.md"
            return f"{text} ({frame.filename}:{frame.lineno}){hint}"
    return text
