"""Simulation of a sample of a data set, unless it already exists."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from hepexp.data.collection import Collection
from hepexp.data.files import naming_failures, only_one
from hepexp.errors import ConfigError


def simulation(collection: Collection) -> ModuleType:
    """The module that simulates examples of a data set.

    Raises
    ------
    ConfigError : there is no simulation, or a package that it needs is not installed.
    """
    if collection.generator is None:
        raise ConfigError(f"{collection.name} cannot be simulated; its sources are {', '.join(collection.sources)}")
    module = import_module(collection.generator)
    for package in module.PACKAGES:
        if find_spec(package) is None:
            raise ConfigError(f"{package} is not installed; pip install 'hepexp[generate]'")
    return module


def check_simulation(collection: Collection, n: int, seed: int, jobs: int) -> None:
    """Raise ConfigError if `simulate` could not start: a value is out of range, or a package is missing."""
    for name, value, least in (("n", n, 2), ("seed", seed, 0), ("jobs", jobs, 1)):
        if value < least:
            raise ConfigError(f"{name} must be >= {least}, got {value}")
    simulation(collection)


def simulate(
    collection: Collection,
    n: int,
    seed: int,
    jobs: int,
    report: Callable[[int, bool], None],
    target: Path | None = None,
) -> Path:
    """Simulate n examples unless the file already exists; the default target is the file that source=generate reads.

    Raises
    ------
    ConfigError : a value is out of range, a package is not installed, or the file contains another sample.
    """
    from hepexp.data import arrow_file

    target = target or collection.generated(n, seed)
    check_simulation(collection, n, seed, jobs)
    with only_one(target):
        if not target.exists():
            from hepexp.data.generate import sample

            with naming_failures(target):
                sample.generate(collection, n, seed, jobs, target, report)
        made = arrow_file.read(target, collection.layout).metadata
        if (made.get("n"), made.get("seed")) != (n, seed):
            raise ConfigError(
                f"{target}: contains another sample ({made.get('command', 'origin unknown')}); choose another name"
            )
    return target
