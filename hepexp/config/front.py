"""What `train` does to its arguments before Hydra sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hepexp.config import alias, flags

if TYPE_CHECKING:
    from omegaconf import DictConfig


def prepare(args: list[str]) -> list[str]:
    """Translate aliases, check everything, and return the arguments for Hydra: flags first, then overrides.

    Raises
    ------
    ConfigError : the request is wrong; the message says why, and gives the closest match.
    """
    line = flags.split(alias.translate(args))
    if flags.ONLY_PRINT & line.values.keys():
        return [*line.flags, *line.overrides]
    # Hydra takes 0.2 s to import, which --help should not wait for.
    from hepexp.config import overrides

    name = line.values.get("--config-name", "train")
    is_multirun = "--multirun" in line.values or "hydra.mode=MULTIRUN" in line.overrides
    return [*line.flags, *overrides.check(line.overrides, line.config_dirs, is_multirun, name)]


def compose(args: list[str]) -> tuple[DictConfig, flags.CommandLine]:
    """The configuration of a command line, without running anything, and the line as Hydra reads it.

    Raises
    ------
    ConfigError : as for `prepare`.
    """
    line = flags.split(prepare(args))
    from hepexp.config.compose import Composer

    return Composer(line.config_dirs).compose(line.overrides), line
