"""Simulation of a sample of a data set, unless it already exists.

The sample is divided into blocks, which several processes make; they are saved as they are finished, and merged at the
end.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hepexp.atomic import remove_drafts
from hepexp.config.suggest import did_you_mean
from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.store import arrow_file
from hepexp.data.store.integrity import refuse_changed
from hepexp.data.store.lock import naming_failures, only_one
from hepexp.data.store.ragged import Layout, Ragged, regroup
from hepexp.errors import ConfigError
from hepexp.simulation.block import Block, Generator, plan
from hepexp.simulation.process_pool import make_blocks

MOST = 10**9  # examples: years of simulation, terabytes on disk
_MOST_JOBS = 10_000  # processes or jobs

# takes the blocks, their layout, the folder in which they are saved, the number of processes or jobs, and a function
# that is called with the number of newly made examples
Make = Callable[[list[Block], Layout, Path, int, Callable[[int], None]], None]


def generator(info: DatasetInfo) -> Generator:
    """The module that simulates examples of a data set.

    Raises
    ------
    ConfigError : there is no simulation, or a package that it needs is not installed.
    """
    if info.generator is None:
        raise ConfigError(f"{info.name} cannot be simulated; its sources are {', '.join(info.sources)}")
    try:
        return import_module(info.generator)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed; pip install 'hepexp[generate]'") from None


def check_simulation(info: DatasetInfo, n: int, seed: int, jobs: int, classes: Sequence[str] = ()) -> None:
    """Raise ConfigError if `simulate` could not start: a value is out of range, a package or its data are missing."""
    module = generator(info)
    for name, value, least, most in (("n", n, 2, MOST), ("seed", seed, 0, None), ("jobs", jobs, 1, _MOST_JOBS)):
        if value < least:
            raise ConfigError(f"{name} must be >= {least}, got {value}")
        if most and value > most:
            raise ConfigError(f"{name} must be <= {most:,}, got {value}")
    for name in classes:
        if name not in info.classes:
            hint = did_you_mean(name, info.classes)
            raise ConfigError(f"classes: unknown {name!r}{hint} (known: {', '.join(info.classes)})")
    if len(set(classes)) < len(classes):
        raise ConfigError(f"classes must name each only once, got {', '.join(classes)}")
    if hasattr(module, "require"):
        module.require(classes or module.CLASSES)


def simulate(
    info: DatasetInfo,
    n: int,
    seed: int,
    jobs: int,
    report: Callable[[int, bool], None],
    target: Path | None = None,
    classes: Sequence[str] = (),
    make: Make | None = None,
) -> Path:
    """Simulate n examples unless the file already exists; the default target is the file that source=generate reads.

    Parameters
    ----------
    As of `write_sample`.

    Raises
    ------
    ConfigError : a value is out of range, a package is not installed, or the file contains another sample, or one of
        other settings, as another version of hepexp may have.
    """
    classes = other_classes(info, classes)
    target = target or info.generated_path(n, seed, classes)
    with only_one(target):
        if not target.exists():
            check_simulation(info, n, seed, jobs, classes)
            with naming_failures(target):
                write_sample(info, n, seed, jobs, target, report, classes=classes, make=make)
        made = arrow_file.read(target, info.layout).metadata
        known = (made.get("n"), made.get("seed"), made.get("classes", []), made.get("variant", {}))
        if known != (n, seed, list(classes), info.variant):
            raise ConfigError(
                f"{target}: contains another sample ({made.get('command', 'origin unknown')}); choose another name"
            )
        _refuse_other_settings(info, target, made, classes)
    return target


def refuse_other_settings(info: DatasetInfo, made: Path, classes: Sequence[str] = ()) -> None:
    """Refuse a simulated file that another version of hepexp has made, of other settings than this one's.

    Where packages of the simulation are missing, its settings are not known, and no file is refused.

    Parameters
    ----------
    made : the file.
    classes : that were simulated, as in `DatasetInfo.generated_path`.

    Raises
    ------
    ConfigError : it is one; says which setting differs. DataError : the file cannot be read.
    """
    _refuse_other_settings(info, made, arrow_file.read(made, info.layout).metadata, classes)


def _refuse_other_settings(info: DatasetInfo, path: Path, made: Mapping[str, Any], classes: Sequence[str]) -> None:
    """`refuse_other_settings` of a file whose metadata have been read."""
    try:
        now = _settings(info, classes)
    except ConfigError:
        return
    if other := _of_other_settings(made.get("settings"), now):
        raise ConfigError(
            f"{path}: was simulated with other settings than those of this version ({other}); remove the file to "
            "simulate anew, or choose another name"
        )


def write_sample(
    info: DatasetInfo,
    n: int,
    seed: int,
    jobs: int,
    target: Path,
    report: Callable[[int, bool], None] = lambda made, resumed: None,
    block_size: int | None = None,
    classes: Sequence[str] = (),
    make: Make | None = None,
) -> None:
    """Simulate n examples and write them to target (`.parquet` or `.arrow`), with blocks of each class in turn.

    Finished blocks are saved in `<target>.parts`, from which an interrupted simulation resumes, unless another version
    of hepexp with other settings has begun it; then these blocks are made anew. For any n, each process holds a single
    block in memory, and merging takes about 64 MB. Only one simulation may write a given file at a time.

    Parameters
    ----------
    info : data set to simulate.
    n : number of examples, divided equally among the classes.
    seed : the same seed gives the same examples, whatever the number of processes.
    jobs : number of processes.
    target : file to write.
    report : called with the number of newly finished examples, and whether an earlier run made them.
    block_size : examples per unit of work, by default the generator's own; as it affects which examples are made, only
        tests change it.
    classes : those to simulate, by default all that the generator makes.
    make : makes blocks and saves them, such as a `Cluster`; by default processes on this machine do.

    Raises
    ------
    HepexpError : a process died.
    """
    module, layout = generator(info), info.layout
    parts = target.with_name(f"{target.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    remove_drafts(target)
    size = block_size or module.BLOCK
    blocks = plan(module.__name__, tuple(classes) or module.CLASSES, n, seed, size, info.options)
    _remove_outdated(parts, blocks, layout, _settings(info, classes))
    missing = [block for block in blocks if not (parts / block.file_name).exists()]
    report(n - sum(block.n for block in missing), True)
    for together in _in_one_process(missing, getattr(module, "APART", ())):
        (make or make_blocks)(together, layout, parts, min(jobs, len(together)), lambda made: report(made, False))
    examples = (chunk for block in blocks for chunk in _intact(parts / block.file_name, layout))
    arrow_file.write(target, layout, regroup(examples), describe(info, n, seed, classes))
    shutil.rmtree(parts)
    shutil.rmtree(parts.with_name(f"{parts.name}.jobs"), ignore_errors=True)  # what the jobs of a cluster have said


def _in_one_process(blocks: list[Block], apart: Sequence[str]) -> list[list[Block]]:
    """The blocks that one process can make after another: those of each class that is to be apart, and all others."""
    groups = [[block for block in blocks if block.kind not in apart]]
    groups += [[block for block in blocks if block.kind == kind] for kind in apart]
    return [group for group in groups if group]


def other_classes(info: DatasetInfo, classes: Sequence[str]) -> tuple[str, ...]:
    """The classes to simulate; empty if they are those that the generator makes if nothing else is said."""
    return () if tuple(classes) == generator(info).CLASSES else tuple(classes)


def describe(info: DatasetInfo, n: int, seed: int, classes: Sequence[str] = ()) -> dict:
    """Everything needed to reproduce the file."""
    module = generator(info)
    return {
        "made_from": "simulation",
        "command": info.generate_command(n, seed, classes),
        **({"classes": list(classes)} if classes else {}),
        **({"variant": info.variant} if info.variant else {}),
        "n": n,
        "seed": seed,
        "versions": {name: version(name) for name in ("numpy", *module.PACKAGES)},
        "settings": _settings(info, classes),
    }


def _settings(info: DatasetInfo, classes: Sequence[str]) -> dict[str, list[str]]:
    module = generator(info)
    return {kind: module.settings(kind, **info.options) for kind in classes or module.CLASSES}


def _of_other_settings(made: object, now: Mapping[str, Sequence[str]]) -> str:
    """The first line that differs, in words; empty if none does, or if it is not known how the file was made.

    Parameters
    ----------
    made : the settings that the file names: of each class, unless somebody else wrote the file.
    """
    if not made:
        return ""
    for kind, settings in now.items():
        own = made.get(kind) if isinstance(made, Mapping) else made
        there = set(map(str, own if isinstance(own, list) else [own]))
        lines = [next(iter(sorted(some)), "nothing") for some in (there - set(settings), set(settings) - there)]
        if lines != ["nothing", "nothing"]:
            return f"{lines[0]:.200} where this has {lines[1]:.200}"
    return ""


def _remove_outdated(parts: Path, blocks: Sequence[Block], layout: Layout, now: Mapping[str, Sequence[str]]) -> None:
    """Remove blocks that were simulated with other settings."""
    for path, kind in ((parts / block.file_name, block.kind) for block in blocks):
        if path.exists():
            made = arrow_file.read(path, layout).metadata.get("settings")
            if _of_other_settings(made, {kind: now[kind]}):
                path.unlink()


def _intact(path: Path, layout: Layout) -> list[Ragged]:
    contents = arrow_file.read(path, layout)
    refuse_changed(contents, layout, path)
    return contents.chunks
