"""Change a frozen configuration where a resumed run may differ from its beginning."""

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf

from hepexp.config import alias, schema
from hepexp.config.compose import parse
from hepexp.errors import ConfigError

# What the figures of a run do not depend on, or what says how long it goes on.
CHANGEABLE = ("trainer", "tracking")


def amend(config: DictConfig, args: list[str]) -> DictConfig:
    """The configuration with some values of `trainer` and `tracking` replaced.

    Parameters
    ----------
    config : of the run's config.yaml; it stays as it is.
    args : overrides such as `trainer.max_epochs=20`.

    Raises
    ------
    ConfigError : a key that a resumed run cannot change, an unknown key, or a value of the wrong type.
    """
    amended = config.copy()
    OmegaConf.set_readonly(amended, False)
    for override in parse(alias.translate(args)):
        key = override.key_or_group
        group, _, rest = key.partition(".")
        if group not in CHANGEABLE or not rest:
            raise ConfigError(
                f"{override.input_line}: a resumed run can change trainer.KEY and tracking.KEY only; "
                "for anything else start a new run"
            )
        OmegaConf.update(amended, key, override.value(), force_add=True)
    for group in CHANGEABLE:
        node = amended.get(group)
        if isinstance(node, Mapping | DictConfig) and schema.TARGET in node:
            schema.check(OmegaConf.to_container(node), group, str(amended.get("choices", {}).get(group, group)))
    return amended
