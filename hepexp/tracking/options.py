"""How a run is tracked: the node `tracking` of the root configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hepexp.errors import ConfigError
from hepexp.tracking import registry, remote


@dataclass(frozen=True)
class TrackingOptions:
    """Where a run is recorded in addition to its folder.

    Parameters
    ----------
    timeout : seconds to wait for an MLflow store that another process has locked.
    uri : address of an MLflow server that gets a copy of the run; null for none.
    register : name under which the model is registered; null to register none.

    Raises
    ------
    ConfigError : a negative time, or an invalid address or name.
    """

    timeout: float = 60.0
    uri: str | None = None
    register: str | None = None

    def __post_init__(self) -> None:
        if self.timeout < 0:
            raise ConfigError(f"tracking.timeout must be >= 0, got {self.timeout}")
        if self.uri is not None:
            remote.check_uri(self.uri)
        if self.register is not None:
            registry.check_name(self.register)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TrackingOptions:
        """The options in a run's config, which may predate some of them."""
        return cls(**config["tracking"])
