"""What the verbs of `hepexp data` have in common: the data set that a line names, and the examples of it."""

from __future__ import annotations

import logging
import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.cli.parser import Parser, at_least
from hepexp.config import schema
from hepexp.config.annotations import TARGET
from hepexp.config.command_line import CommandLine, translate
from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.find import has_files_by_key, known_info, simulated
from hepexp.errors import ConfigError

if TYPE_CHECKING:  # it imports pyarrow
    from hepexp.data.loading.datamodule import HepDataModule
    from hepexp.data.loading.split_store import SplitStore

log = logging.getLogger("hepexp")
_A_FEW = 500
_FLAGS = {  # of add_source, by the keys that say the same to a training
    "dataset.source": "--source",
    "dataset.n_files": "--files",
    "dataset.n_generate": "--n",
    "dataset.generate_seed": "--seed",
}
_KEY = re.compile(r"(~|\+\+?)?dataset[.=@/]")


def split_keys(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of a line without those that give keys of the data set, `data.KEY=VALUE`, and these.

    Raises
    ------
    ConfigError : one chooses a data set.
    """
    keys = [word for word in words if _KEY.match(translate([word])[0])]
    for key in keys:
        if not translate([key])[0].lstrip("~+").startswith("dataset."):
            raise ConfigError(f"{key}: expected NAME, the data set alone, and keys of it, data.KEY=VALUE")
    return [word for word in words if word not in keys], keys


def as_flags(keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """The flags of `add_source` that keys of a data set stand for, `data.source=mini`, and the other keys."""
    flags, others = [], []
    for key in keys:
        name, sign, value = translate([key])[0].partition("=")
        if sign and name in _FLAGS:
            flags.append(f"{_FLAGS[name]}={value}")
        else:
            others.append(key)
    return flags, others


def with_keys(name: str, keys: Sequence[str], config_dirs: Sequence[Path]) -> dict[str, Any] | None:
    """The configuration of a data set with keys of the command line, checked as those of `train`; None without any.

    Raises
    ------
    ConfigError : a key or a value that the data set does not take.
    """
    return composed(name, keys, config_dirs) if keys else None


def composed(name: str, keys: Sequence[str], config_dirs: Sequence[Path]) -> dict[str, Any]:
    """The same, with or without keys."""
    if len(config_dirs) > 1:
        raise ConfigError("--config-dir can be given once only beside data.KEY=VALUE")
    from hepexp.config.compose import plain  # Hydra takes 0.2 s to import
    from hepexp.config.overrides import compose

    flags = {"--config-dir": str(config_dirs[0])} if config_dirs else {}
    return plain(compose(CommandLine(flags, [f"dataset={name}", *translate(keys)])))["dataset"]


def small_data_set(given: Namespace, split_store: SplitStore) -> HepDataModule:
    """The data set of a parsed line, with a few of the examples that the line has opened, before its setup.

    Raises
    ------
    ConfigError : a value that its constructor refuses.
    """
    from hepexp.config.build import construct

    config = given.config or composed(given.name, [], given.config_dir)
    n, seed = number_and_seed(given)
    values = {"source": split_store.source, "n_files": given.files, "n_generate": n, "generate_seed": seed}
    values |= {f"n_{split}": min(len(rows), _A_FEW) for split, rows in split_store.splits.items()}
    # some data sets have no published files
    data = construct(config | schema.accepted(config[TARGET], values), "dataset", seed=1)
    if not data.generated_classes:  # others than the line has opened
        data.opened = split_store
    return data


def described(given: Namespace) -> DatasetInfo:
    """What the data set of a parsed line says of itself."""
    for_views = getattr(given, "views", False) and not has_files_by_key(given.name, given.config_dir)
    return known_info(given.name, given.config_dir, None if for_views else given.config)


def warn_of(faults: Mapping[str, ConfigError]) -> None:
    """One line for each data set that is left out."""
    for name, fault in faults.items():
        log.warning("data: %s is left out: %s", name, fault)


def config_dirs(args: list[str]) -> list[Path]:
    """The folders that name further data sets, which have to be known before the arguments can be parsed."""
    early = Parser(add_help=False)
    early.add_argument("--config-dir", type=Path, action="append", default=[])
    return early.parse_known_args(args)[0].config_dir


def add_source(parser: Parser) -> None:
    parser.add_argument("--source", default="auto", choices=["auto", "full", "mini", "generate"], help="default: auto")
    parser.add_argument(
        "--files", type=at_least(1), metavar="N", help="with full: only the first N files of each split"
    )
    add_number_and_seed(parser, "with generate: number of simulated examples", "with generate: seed of the simulation")


def add_number_and_seed(parser: Parser, number: str, seed: str) -> None:
    """`--n` and `--seed` of a simulation, with what they mean."""
    parser.add_argument("--n", type=at_least(2), help=f"{number} (default: n_generate of the data set)")
    parser.add_argument("--seed", type=at_least(0), help=f"{seed} (default: generate_seed of the data set)")


def number_and_seed(given: Namespace) -> tuple[int, int]:
    """Of the simulation that a parsed line names, the same as of a training unless it says otherwise."""
    n, seed = simulated(given.name, given.config_dir, given.config)
    return n if given.n is None else given.n, seed if given.seed is None else given.seed


def check_files(info: DatasetInfo, given: Namespace) -> None:
    try:
        info.choose_source("auto", given.files)
    except ConfigError as error:
        raise ConfigError(str(error).replace("dataset.n_files", "--files")) from None


def open_examples(info: DatasetInfo, given: Namespace) -> SplitStore:
    """The examples that the options of `add_source` name."""
    from hepexp.data.loading.split_store import open_source

    check_files(info, given)
    return open_source(info, info.choose_source(given.source, given.files), given.files, *number_and_seed(given))
