"""The grid of VEGAS: points of the unit cube moved in each direction on its own, to where a function is large.

References
----------
G. P. Lepage, J. Comput. Phys. 27 (1978) 192 and arXiv:2009.05112.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from hepexp.errors import ConfigError

INTERVALS = 200  # in each direction
ITERATIONS, POINTS = 15, 20_000  # to adapt them, and points in each
ALPHA = 0.5  # the damping that the package has by default


def require_vegas() -> None:
    """Raise ConfigError if the package is missing, without importing it."""
    if find_spec("vegas") is None:
        raise ConfigError(
            "loss.vegas=true needs the package vegas, which is not installed: pip install 'hepexp[integration]', or "
            "set loss.vegas=false"
        )


def adapted(function: Callable[[Tensor], Tensor], n_dims: int, seed: int) -> Tensor:
    """Edges (n_dims, INTERVALS + 1) of the intervals, of equal probability, adapted to a function by the package vegas.

    Parameters
    ----------
    function : of points (B, n_dims), float64, to values (B,).
    seed : of the points.
    """
    import vegas

    grid = vegas.AdaptiveMap([[0.0, 1.0]] * n_dims, ninc=INTERVALS)
    rng = np.random.default_rng(seed)
    for _ in range(ITERATIONS):
        y = rng.random((POINTS, n_dims))
        x, jacobian = np.empty_like(y), np.empty(POINTS)
        grid.map(y, x, jacobian)
        grid.add_training_data(y, (jacobian * function(torch.from_numpy(x)).numpy()) ** 2)
        grid.adapt(alpha=ALPHA)
    return torch.from_numpy(np.array(grid.extract_grid()))


def draw(y: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Points x (B, n_dims) of uniform points y, and the inverse of their density (B,)."""
    n = edges.shape[1] - 1
    k = (y * n).long().clamp(0, n - 1)
    widths = edges.diff(dim=1)
    left, width = (one.expand(len(y), -1, -1).gather(2, k[..., None])[..., 0] for one in (edges, widths))
    return left + width * (y * n - k), (n * width).prod(1)
