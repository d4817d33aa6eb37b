"""A compiled C++ project of fixed-point numbers, and what tells whether it computes what it should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True)
class Emulation:
    """A compiled project.

    Parameters
    ----------
    tool : that made it, and its version.
    types : of its numbers.
    outputs : of the model (n, K) for features (n, F), as the project computes them.
    reference : the same by other means, in exact arithmetic, which the project must agree with bit for bit; None for
        floating-point networks, which are rounded only here.
    """

    tool: str
    types: Mapping[str, str]
    outputs: Numbers
    reference: Numbers | None
