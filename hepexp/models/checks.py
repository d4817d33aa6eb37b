"""What the constructors of models check in the same words; each raises ConfigError, which names the key."""

from __future__ import annotations

from collections.abc import Sequence

from hepexp.errors import ConfigError


def require_positive(**values: float) -> None:
    """Numbers above 0, by their keys."""
    for key, value in values.items():
        if not value > 0:
            raise ConfigError(f"model.{key} must be > 0, got {value}")


def require_widths(**widths: Sequence[int]) -> None:
    """One or more widths above 0, by their keys."""
    for key, value in widths.items():
        if not value or min(value) < 1:
            raise ConfigError(f"model.{key} must be one or more widths > 0, got {list(value)}")


def require_dropout(dropout: float) -> None:
    """A probability below 1."""
    if not 0 <= dropout < 1:
        raise ConfigError(f"model.dropout must be in [0, 1), got {dropout}")
