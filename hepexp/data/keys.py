"""Checks of the keys of a data set."""

from hepexp.errors import ConfigError


def require_at_least(least: int, **values: int | None) -> None:
    """Raise ConfigError for a key of the data set that is too small; None means that the key is not set."""
    for name, value in values.items():
        if value is not None and value < least:
            raise ConfigError(f"dataset.{name} must be >= {least}, got {value}")


def require_at_most(most: int, **values: int | None) -> None:
    """Raise ConfigError for a key of the data set that is larger than any machine or data set allows."""
    for name, value in values.items():
        if value is not None and value > most:
            raise ConfigError(f"dataset.{name} must be <= {most:,}, got {value:,}")
