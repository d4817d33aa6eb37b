"""The functions that an expression can call; other code cannot be reached from one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Function = Callable[..., NDArray]


def _deltaphi(a: NDArray, b: NDArray) -> NDArray:
    """a - b in [-pi, pi)."""
    return np.mod(a - b + np.pi, 2 * np.pi) - np.pi


def _clip(x: NDArray, low: NDArray, high: NDArray) -> NDArray:
    return np.minimum(np.maximum(x, low), high)


# the function, and how many arguments it takes
FUNCTIONS: Mapping[str, tuple[Function, int]] = MappingProxyType(
    {name: (getattr(np, name), 1) for name in ("log", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "sign")}
    | {name: (getattr(np, name), 1) for name in ("sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "arcsinh")}
    | {name: (getattr(np, name), 1) for name in ("floor", "isfinite", "isnan")}
    | {name: (getattr(np, name), 2) for name in ("arctan2", "hypot", "minimum", "maximum")}
    | {"deltaphi": (_deltaphi, 2), "where": (lambda condition, a, b: np.where(condition != 0, a, b), 3)}
    | {"clip": (_clip, 3)}
)


def _reduced(ufunc: np.ufunc, empty: float) -> Callable[[NDArray, NDArray], NDArray]:
    def over_particles(x: NDArray, offsets: NDArray[np.int64]) -> NDArray:
        result = np.full(len(offsets) - 1, float(empty))
        some = np.diff(offsets) > 0
        if some.any():  # reduceat would give examples without particles the first one of the next
            result[some] = ufunc.reduceat(x, offsets[:-1][some])
        return result

    return over_particles


_sum = _reduced(np.add, 0)
REDUCTIONS: Mapping[str, Callable[[NDArray, NDArray], NDArray]] = MappingProxyType(
    {
        "sum": _sum,
        "mean": lambda x, offsets: _sum(x, offsets) / np.diff(offsets),
        "max": _reduced(np.maximum, np.nan),
        "min": _reduced(np.minimum, np.nan),
        "count": lambda x, offsets: np.diff(offsets).astype(np.float64),
        "any": lambda x, offsets: _sum((x != 0).astype(np.float64), offsets) > 0,
        "all": lambda x, offsets: _sum((x == 0).astype(np.float64), offsets) == 0,
    }
)
