"""Means and standard deviations of training values, used to standardise inputs, and how a checkpoint stores them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ROUNDING = 1e-6  # relative: stored values have float32 precision


class Scaled:
    """Anything with scales that are fitted to training examples; like the weights, they are part of the model.

    Attributes
    ----------
    scales : names of the attributes that are fitted, arrays.
    """

    scales: tuple[str, ...] = ()

    def state(self) -> dict[str, Tensor]:
        """The scales, for a checkpoint."""
        return {name: torch.from_numpy(np.array(getattr(self, name))) for name in self.scales}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Use the scales of a checkpoint in place of those fitted here."""
        for name in self.scales:
            setattr(self, name, state[name].numpy())


def mean_and_spread(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column (F,) of values (n, F); the latter as in `spread_or_one`."""
    mean, std = values.mean(0, dtype=np.float64), values.std(0, dtype=np.float64)
    return mean, spread_or_one(mean, std)


def spread_or_one(mean: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations, with 1 for a column that is constant up to rounding, to avoid dividing by zero."""
    return np.where(std > _ROUNDING * abs(mean), std, 1.0)
