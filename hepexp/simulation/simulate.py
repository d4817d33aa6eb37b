"""Simulation of a sample of a data set, unless it already exists."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.store.lock import naming_failures, only_one
from hepexp.errors import ConfigError


def simulation(info: DatasetInfo) -> ModuleType:
    """The module that simulates examples of a data set.

    Raises
    ------
    ConfigError : there is no simulation, or a package that it needs is not installed.
    """
    if info.generator is None:
        raise ConfigError(f"{info.name} cannot be simulated; its sources are {', '.join(info.sources)}")
    module = import_module(info.generator)
    for package in module.PACKAGES:
        if find_spec(package) is None:
            raise ConfigError(f"{package} is not installed; pip install 'hepexp[generate]'")
    return module


def check_simulation(info: DatasetInfo, n: int, seed: int, jobs: int) -> None:
    """Raise ConfigError if `simulate` could not start: a value is out of range, or a package is missing."""
    for name, value, least in (("n", n, 2), ("seed", seed, 0), ("jobs", jobs, 1)):
        if value < least:
            raise ConfigError(f"{name} must be >= {least}, got {value}")
    simulation(info)


def simulate(
    info: DatasetInfo,
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
    from hepexp.data.store import arrow_file

    target = target or info.generated(n, seed)
    check_simulation(info, n, seed, jobs)
    with only_one(target):
        if not target.exists():
            from hepexp.simulation import sample

            with naming_failures(target):
                sample.generate(info, n, seed, jobs, target, report)
        made = arrow_file.read(target, info.layout).metadata
        if (made.get("n"), made.get("seed")) != (n, seed):
            raise ConfigError(
                f"{target}: contains another sample ({made.get('command', 'origin unknown')}); choose another name"
            )
    return target
