"""Names that a configuration gives to classes and targets: they appear in tables, plots, files and MLflow."""

from __future__ import annotations

from collections.abc import Iterable

from hepexp.errors import ConfigError
from hepexp.metric import in_key

LONGEST = 100  # characters; a key with two names still fits into the 250 of MLflow
ALLOWED = f"a name is at most {LONGEST} printable characters, does not begin with a dot, and has no ${{"


def check_names(key: str, names: Iterable[object]) -> None:
    """Check names of classes or targets.

    Parameters
    ----------
    key : that gives them.

    Raises
    ------
    ConfigError : a name that cannot be shown, or two that are spelled alike in the names of figures.
    """
    spelled: dict[str, str] = {}
    for name in map(str, names):
        is_fit = name.strip() and name.isprintable() and not name.startswith(".") and "${" not in name
        if not is_fit or len(name) > LONGEST:
            shown = name if len(name) <= LONGEST else f"{name[:20]}... of {len(name):,} characters"
            given = ", given as {NAME: expression}" if "targets" in key else ""
            raise ConfigError(f"{key}: {ALLOWED}{given}; got {shown!r}")
        if (other := spelled.setdefault(in_key(name), name)) != name:
            raise ConfigError(
                f"{key}: {other!r} and {name!r} are both {in_key(name)!r} in the names of figures; rename one of them"
            )
