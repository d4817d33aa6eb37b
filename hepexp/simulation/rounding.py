"""Rounding of values to a precision far finer than any detector's resolution, so that stored columns compress."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def round_to_bits(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Values rounded to this many significant binary digits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)
