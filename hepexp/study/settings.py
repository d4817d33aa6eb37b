"""What the figures of a run depend on, and whether it is still what a study asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hepexp.compare.record import decisive
from hepexp.config.nested import flatten
from hepexp.config.record import completed


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Of a composed config, flat."""
    return decisive(flatten(config))


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ, as after an edit of a file under `conf/`; keys that are new since do not count."""
    if before == now:
        return []
    one, other = settings(completed(before)), settings(now)
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
