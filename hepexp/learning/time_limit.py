"""Durations as users write them."""

from __future__ import annotations

import re

from hepexp.errors import ConfigError

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds(text: str | float) -> float:
    """Seconds of a duration: `90m`, `1h30m`, `45s`, `2d`, `01:30:00`, or a bare number of minutes.

    Raises
    ------
    ConfigError : the text is none of these, or not positive.
    """
    text = str(text).strip()
    total = None
    if re.fullmatch(r"\d+(\.\d*)?", text):
        total = 60 * float(text)
    elif re.fullmatch(r"\d+:\d\d:\d\d", text):
        hours, minutes, rest = map(int, text.split(":"))
        total = 3600.0 * hours + 60 * minutes + rest
    elif re.fullmatch(r"(\d+(\.\d+)?[dhms])+", text):
        total = sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([dhms])", text))
    if not total:
        raise ConfigError(f"trainer.time_limit must be a duration such as 90m, 1h30m or 01:30:00, got {text!r}")
    return float(total)
