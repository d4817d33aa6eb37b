"""Checks of the keys of a data set."""

from collections.abc import Collection

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError


def require_at_least(least: int, **values: float | None) -> None:
    """Raise ConfigError for a key of the data set that is too small; None means that the key is not set."""
    for name, value in values.items():
        if value is not None and value < least:
            raise ConfigError(f"dataset.{name} must be >= {least}, got {value}")


def require_at_most(most: int, **values: float | None) -> None:
    """Raise ConfigError for a key of the data set that is larger than any machine or data set allows."""
    for name, value in values.items():
        if value is not None and value > most:
            raise ConfigError(f"dataset.{name} must be <= {most:,}, got {value:,}")


def chosen_names(key: str, wanted: Collection[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """The names that a key of the data set chooses out of those known; all if it is None.

    Raises
    ------
    ConfigError : a name is unknown, or given twice, or no class is chosen.
    """
    if wanted is None:
        return known
    for name in wanted:
        if name not in known:
            there_are = ", ".join(known) or "none"
            raise ConfigError(f"dataset.{key}: unknown {name!r}{did_you_mean(str(name), known)} (known: {there_are})")
    if not wanted and key != "extras":
        raise ConfigError(f"dataset.{key} must name one or more of {', '.join(known)}, got none")
    require_different(key, wanted)
    return tuple(wanted)


def require_different(key: str, names: Collection[str]) -> None:
    """Raise ConfigError if a key of the data set gives a name twice."""
    if len(set(names)) < len(names):
        raise ConfigError(f"dataset.{key} must name each only once, got {', '.join(names)}")
