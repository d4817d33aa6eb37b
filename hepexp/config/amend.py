"""Change those values of a frozen configuration in which a resumed run may differ from the original."""

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf

from hepexp.config import alias, schema
from hepexp.config.compose import parse
from hepexp.errors import ConfigError

# What the figures of a run do not depend on, and how long it trains.
RESUMABLE = ("trainer", "tracking")


def amend(config: DictConfig, args: list[str], groups: tuple[str, ...] = RESUMABLE) -> DictConfig:
    """The configuration with some values of some groups replaced.

    Parameters
    ----------
    config : from the run's config.yaml; it is not changed.
    args : overrides such as `trainer.max_epochs=20`.
    groups : whose keys may change.

    Raises
    ------
    ConfigError : a key of another group, an unknown key, or a value of the wrong type.
    """
    if more := next((arg for arg in args if "=" not in arg), None):
        raise ConfigError(
            f"{more!r} is not KEY=VALUE; this command takes one RUN, and then changes such as trainer.devices=1"
        )
    amended = config.copy()
    OmegaConf.set_readonly(amended, False)
    for override in parse(alias.translate(args)):
        key = override.key_or_group
        group, _, rest = key.partition(".")
        if group not in groups or not rest:
            allowed = " and ".join(f"{name}.KEY" for name in groups)
            raise ConfigError(f"{override.input_line}: only {allowed} can change here; otherwise start a new run")
        OmegaConf.update(amended, key, override.value(), force_add=True)
    for group in groups:
        node = amended.get(group)
        if isinstance(node, Mapping | DictConfig) and schema.TARGET in node:
            schema.check(OmegaConf.to_container(node), group, str(amended.get("choices", {}).get(group, group)))
    return amended
