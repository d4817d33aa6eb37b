"""A configuration of OmegaConf as plain values."""

from typing import Any, cast

from omegaconf import DictConfig, OmegaConf


def content_of(config: DictConfig, resolve: bool = False) -> dict[str, Any]:
    """The values of a configuration in dictionaries and lists.

    Parameters
    ----------
    resolve : replace interpolations by the values that they refer to; otherwise they are left as written.
    """
    return cast(dict[str, Any], OmegaConf.to_container(config, resolve=resolve))  # of a DictConfig it is one
