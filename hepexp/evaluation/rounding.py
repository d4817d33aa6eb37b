"""Numbers for people: no more digits than the error allows."""

from __future__ import annotations

import math
from typing import Any

ABSENT = "–"
LARGEST = 1e15  # with all digits: a loss that has diverged is written with an exponent
MOST_DECIMALS = 9  # a smaller error, as of a change that is 0 up to rounding, is written with an exponent


def with_error(value: float | None, error: float | None = None) -> str:
    """`0.8712 ± 0.0071`: the error to two significant digits, the value to the same place, or `3.0e-32 ± 9.0e-34`.

    Four significant digits without an error; a dash for an undefined value.
    """
    if value is None or math.isnan(value):
        return ABSENT
    if error and error < 1e-9 * abs(value):
        error = 0  # rounding noise of replicas that all give the same value
    if not error:  # None, or zero: nothing tells how many digits are significant
        return f"{number(value)} ± 0" if error == 0 else number(value)
    # The exponent after rounding: 0.0996 is 0.10, not 0.100.
    places = 1 - int(f"{error:.1e}".partition("e")[2])
    if places > MOST_DECIMALS or abs(value) >= LARGEST:
        return f"{value:.1e} ± {error:.1e}"
    decimals = max(places, 0)
    rounded = round(value, places) + 0.0  # no minus before a zero
    return f"{rounded:,.{decimals}f} ± {round(error, places):,.{decimals}f}"


def number(value: Any) -> str:
    """Integers with all digits, other numbers with four significant ones, huge ones as `2.832e+27`, text unchanged."""
    if value is None:
        return ABSENT
    if isinstance(value, bool | str):
        return str(value)
    if math.isnan(value):
        return ABSENT
    if abs(value) >= LARGEST:
        return f"{value:.3e}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:#.4g}".rstrip(".")
