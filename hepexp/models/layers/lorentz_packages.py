"""Networks that come from their authors' own packages."""

from __future__ import annotations

from importlib.util import find_spec

from hepexp.errors import ConfigError


def require_package(name: str) -> None:
    """Raise if a package of the extra `lorentz` is missing, without importing it.

    Raises
    ------
    ConfigError : it is not installed; the message says how to.
    """
    if find_spec(name) is None:
        raise ConfigError(f"{name} is not installed; pip install 'hepexp[lorentz]'")
