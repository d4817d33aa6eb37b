"""`expected.exact_for`: the keys of a task on which its exact figures depend.

expected:
  exact:
    test/mean_plaquette: 0.697775
  exact_for: [loss.action]      with another beta it is another number

Where one of them is typed, the figures are left out, but those of the model, such as its number of parameters: what
differs from them says how the model differs.
"""

from collections.abc import Collection

from omegaconf import DictConfig, OmegaConf, open_dict

from hepexp.config.expected import EXACT_FOR
from hepexp.errors import ConfigError


def apply(config: DictConfig, typed: Collection[str]) -> None:
    """Take `expected.exact_for` out of a composed configuration, and exact figures that do not hold in it.

    Parameters
    ----------
    config : changed in place.
    typed : groups and keys of the command line.

    Raises
    ------
    ConfigError : it is not a list of keys.
    """
    expected = config.get("expected")
    if not isinstance(expected, DictConfig) or EXACT_FOR not in expected:
        return
    with open_dict(expected):
        keys = expected.pop(EXACT_FOR)
        keys = OmegaConf.to_container(keys) if OmegaConf.is_config(keys) else keys
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise ConfigError(f"expected.{EXACT_FOR} must be a list of keys, such as [loss.action], got {keys!r}")
        if isinstance(expected.get("exact"), DictConfig) and any(_meet(key, one) for key in keys for one in typed):
            for name in [name for name in expected.exact if not str(name).startswith("model/")]:
                del expected.exact[name]


def _meet(key: str, typed: str) -> bool:
    """Whether one of the two is the other, or holds it."""
    return f"{key}.".startswith(f"{typed}.") or f"{typed}.".startswith(f"{key}.")
