"""Simulation of a sample of a data set, unless it already exists.

The sample is divided into blocks, which several processes make; they are saved as they are finished, and merged at the
end.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from hepexp.atomic import remove_drafts
from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.store import arrow_file
from hepexp.data.store.integrity import refuse_changed
from hepexp.data.store.lock import naming_failures, only_one
from hepexp.data.store.ragged import Layout, Ragged, regroup
from hepexp.errors import ConfigError
from hepexp.simulation.block import Generator, plan
from hepexp.simulation.process_pool import make_blocks


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


def check_simulation(info: DatasetInfo, n: int, seed: int, jobs: int) -> None:
    """Raise ConfigError if `simulate` could not start: a value is out of range, or a package is missing."""
    for name, value, least in (("n", n, 2), ("seed", seed, 0), ("jobs", jobs, 1)):
        if value < least:
            raise ConfigError(f"{name} must be >= {least}, got {value}")
    generator(info)


def simulate(
    info: DatasetInfo,
    n: int,
    seed: int,
    jobs: int,
    report: Callable[[int, bool], None],
    target: Path | None = None,
) -> Path:
    """Simulate n examples unless the file already exists; the default target is the file that source=generate reads.

    Parameters
    ----------
    As of `write_sample`.

    Raises
    ------
    ConfigError : a value is out of range, a package is not installed, or the file contains another sample.
    """
    target = target or info.generated_path(n, seed)
    check_simulation(info, n, seed, jobs)
    with only_one(target):
        if not target.exists():
            with naming_failures(target):
                write_sample(info, n, seed, jobs, target, report)
        made = arrow_file.read(target, info.layout).metadata
        if (made.get("n"), made.get("seed")) != (n, seed):
            raise ConfigError(
                f"{target}: contains another sample ({made.get('command', 'origin unknown')}); choose another name"
            )
    return target


def write_sample(
    info: DatasetInfo,
    n: int,
    seed: int,
    jobs: int,
    target: Path,
    report: Callable[[int, bool], None] = lambda made, resumed: None,
    block_size: int | None = None,
) -> None:
    """Simulate n examples and write them to target (`.parquet` or `.arrow`), with blocks of each class in turn.

    Finished blocks are saved in `<target>.parts`, from which an interrupted simulation resumes. For any n, each process
    holds a single block in memory, and merging takes about 64 MB. Only one simulation may write a given file at a time.

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

    Raises
    ------
    HepexpError : a process died.
    """
    module, layout = generator(info), info.layout
    parts = target.with_name(f"{target.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    remove_drafts(target)
    blocks = plan(info.generator, module.CLASSES, n, seed, block_size or module.BLOCK)
    missing = [block for block in blocks if not (parts / block.file_name).exists()]
    report(n - sum(block.n for block in missing), True)
    if missing:
        make_blocks(missing, layout, parts, min(jobs, len(missing)), lambda made: report(made, False))
    examples = (chunk for block in blocks for chunk in _intact(parts / block.file_name, layout))
    arrow_file.write(target, layout, regroup(examples), describe(info, n, seed))
    shutil.rmtree(parts)


def describe(info: DatasetInfo, n: int, seed: int) -> dict:
    """Everything needed to reproduce the file."""
    module = generator(info)
    return {
        "made_from": "simulation",
        "command": f"hepexp data generate {info.name} --n {n} --seed {seed}",
        "n": n,
        "seed": seed,
        "versions": {name: version(name) for name in ("numpy", *module.PACKAGES)},
        "settings": {kind: module.settings(kind) for kind in module.CLASSES},
    }


def _intact(path: Path, layout: Layout) -> list[Ragged]:
    contents = arrow_file.read(path, layout)
    refuse_changed(contents, layout, path)
    return contents.chunks
