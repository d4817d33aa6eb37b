"""The runs on a command line: one, or several whose predictions are averaged, and changes to their configs."""

from __future__ import annotations

import logging
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger(__name__)


def add_runs(parser: ArgumentParser, groups: str) -> None:
    """The arguments RUN ... and KEY=VALUE."""
    parser.add_argument(
        "words",
        metavar="RUN",
        nargs="+",
        help="run folders, MLflow run ids, models:/NAME@ALIAS, latest, or the folder of a multirun for all of its "
        "runs; several are an ensemble, whose predictions are averaged",
    )
    # For the help alone: `words` takes all of them.
    parser.add_argument("changes", metavar="KEY=VALUE", nargs="*", help=f"changes to {groups}")


def add_laplace(parser: ArgumentParser) -> None:
    """The flag `--laplace`."""
    parser.add_argument(
        "--laplace",
        action="store_true",
        help="average over the Laplace posterior of the last layer, from the curvature on the training examples",
    )


def add_calibration(parser: ArgumentParser) -> None:
    """The options `--calibrate`, `--conformal` and `--conformal-score`."""
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="scale the scores by a temperature that is fitted to the validation examples, and show what it changes",
    )
    parser.add_argument(
        "--conformal",
        type=float,
        action="append",
        default=[],
        metavar="COVERAGE",
        help="sets of classes that contain the true one with this probability, such as 0.9, by split conformal "
        "prediction from the validation examples, which have chosen the epoch too; may be repeated",
    )
    parser.add_argument(
        "--conformal-score", choices=("lac", "aps"), default="lac", help="lac (default): smallest sets; aps: adaptive"
    )


def members(words: Sequence[str], groups: tuple[str, ...]) -> tuple[list[RunFolder], list[DictConfig]]:
    """The runs and their configs with the changes.

    Parameters
    ----------
    words : RUN ... and KEY=VALUE ..., in any order.
    groups : whose keys may change.

    Raises
    ------
    ConfigError : no such run, a run named twice, a multirun of which no run has finished, or a change that is refused.
    """
    from hepexp.config.record import with_changes
    from hepexp.tracking.run_folder import RunFolder

    changes = [word for word in words if _is_change(word)]
    named = [folder for word in words if word not in changes for folder in _folders(word)]
    if not named:
        raise ConfigError(f"no RUN is named beside {changes[0]}; expected a run folder, an MLflow run id, or latest")
    folders = [RunFolder.find(folder) for folder in named]
    paths = [folder.path for folder in folders]
    if twice := next((folder for k, folder in enumerate(folders) if folder.path in paths[:k]), None):
        raise ConfigError(f"{twice.label} is named twice; an ensemble needs different runs")
    return folders, [with_changes(folder.config, changes, groups, folder.path / "config.yaml") for folder in folders]


def ensemble(words: Sequence[str], groups: tuple[str, ...]) -> tuple[list[RunFolder], list[DictConfig]]:
    """`members` whose predictions can be averaged.

    Raises
    ------
    ConfigError : as of `members`, or a run has another data set or loss than the first.
    """
    folders, configs = members(words, groups)
    for folder, config in zip(folders[1:], configs[1:], strict=True):
        _check_alike(folder, config, folders[0], configs[0])
    return folders, configs


def _check_alike(folder: RunFolder, config: DictConfig, first: RunFolder, other: DictConfig) -> None:
    if config.choices.dataset != other.choices.dataset or config.loss._target_ != other.loss._target_:
        key = "dataset" if config.choices.dataset != other.choices.dataset else "loss"
        raise ConfigError(
            f"{folder.label} has {key}={config.choices[key]}, but {first.label} {key}={other.choices[key]}; an "
            "ensemble is of runs that predict the same"
        )


def _is_change(word: str) -> bool:
    key, sign, _ = word.partition("=")
    return bool(sign) and "/" not in key and not os.path.exists(word)


def _folders(word: str) -> list[str]:
    """The run folders that a word names: those of the finished jobs of a multirun, or itself."""
    from hepexp.learning.multirun import FINISHED, JOBS, read

    for folder in (Path(word), runs_dir() / word):
        if word and os.path.isfile(folder / JOBS):
            jobs = read(folder)
            finished = [str(job.folder) for job in jobs if job.status == FINISHED]
            if not finished:
                raise ConfigError(
                    f"{folder}: none of its {len(jobs)} runs has finished; see hepexp train --rerun-failed"
                )
            if len(finished) < len(jobs):
                log.warning("%s: %d of %d runs have finished", folder, len(finished), len(jobs))
            return finished
    return [word]
