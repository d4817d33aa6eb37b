"""What a configuration may set in Hydra itself: that part can start programs, so only the command line may set it."""

from collections.abc import Callable
from re import compile as pattern

from omegaconf import DictConfig

from hepexp.config.annotations import TARGET
from hepexp.config.content import content_of
from hepexp.config.nested import leaves
from hepexp.errors import ConfigError

# What Hydra fills in, and what defines the jobs.
_FREE = ("runtime", "overrides", "mode", "sweeper.params", "job.name", "job.config_name", "job.override_dirname")
_CLASS = pattern(r"(hydra_plugins|hydra\._internal\.core_plugins)(\.\w+)+\.\w+(Launcher|Sweeper)")


def check(config: DictConfig, typed: list[str], compose: Callable[[tuple[str, ...]], DictConfig]) -> None:
    """Check that Hydra's part of a configuration is that of the command line, and names no class but Hydra's.

    Parameters
    ----------
    config : composed.
    typed : overrides of the command line.
    compose : the configuration that results from these overrides alone, without the files being checked.

    Raises
    ------
    ConfigError : a file sets a key of Hydra's, or a `_target_` is not a launcher or sweeper.
    """
    ours = dict(leaves(content_of(config.hydra)))
    for key, value in ours.items():
        if key.rpartition(".")[2] == TARGET and not (isinstance(value, str) and _CLASS.fullmatch(value)):
            raise ConfigError(f"hydra.{key}: expected one of Hydra's launchers or sweepers, got {value!r}")
    words = tuple(word for word in typed if word.lstrip("+~").startswith(("hydra.", "hydra/")))
    bare = dict(leaves(content_of(compose(words).hydra)))
    for key in [*ours, *bare]:
        if not key.startswith(_FREE) and (key not in ours or key not in bare or ours[key] != bare[key]):
            raise ConfigError(
                f"hydra.{key} is set by a file; Hydra can only be configured on the command line: hydra.{key}=..."
            )
