"""Sites of a periodic square lattice, even and odd."""

from __future__ import annotations

from math import isqrt

import torch
from torch import Tensor

from hepexp.errors import ConfigError


def side(n_numbers: int, of_each: int, model: str, multiple: int) -> int:
    """L of a lattice with n_numbers = of_each L^2 numbers, which a model can tile.

    Raises
    ------
    ConfigError : there is none, or L is not a multiple of what its masks need.
    """
    size = isqrt(n_numbers // of_each)
    if of_each * size**2 != n_numbers:
        raise ConfigError(f"model={model} needs a square lattice, as loss=sampling has, not {n_numbers} numbers")
    if size % multiple:
        raise ConfigError(
            f"the masks of model={model} tile lattices of {multiple}, {2 * multiple}, {3 * multiple} ... sites along "
            f"an axis, got loss.action.size={size}"
        )
    return size


def checkerboard(size: int) -> Tensor:
    """(L, L), 1 on even sites and 0 on odd ones."""
    rows = torch.arange(size)
    return 1.0 - (rows[:, None] + rows) % 2
