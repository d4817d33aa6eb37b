"""Packages that a user has registered through the `hepexp.plugins` entry point.

The entry point names a package. Its modules may be a `_target_`, and its `conf` folder joins the search path.
"""

from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

GROUP = "hepexp.plugins"


@cache
def packages() -> tuple[str, ...]:
    """Names of the registered packages, each once, in alphabetical order."""
    return tuple(sorted({point.value.split(":")[0].strip() for point in entry_points(group=GROUP)}))


def package_dir(name: str) -> Path | None:
    """The folder of a package, found without importing it; None where it is not installed."""
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
    """The `conf` folders that the registered packages bring."""
    folders = [package_dir(name) for name in packages()]
    return [folder / "conf" for folder in folders if folder and (folder / "conf").is_dir()]
