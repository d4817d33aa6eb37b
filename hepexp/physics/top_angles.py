"""The angular distribution of top pairs, as a density that depends on the mass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.physics.two_to_two import gluons_to_top_pair, quarks_to_top_pair

NODES = 128  # of Gauss and Legendre: below HIGHEST times the mass the integral is exact to rounding
GRID = 20_001  # cosines between which the cumulative distribution is interpolated
HIGHEST = 20.0
PROCESSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "gluons": gluons_to_top_pair,
    "quarks": quarks_to_top_pair,
}


class TopAngles:
    """p(cos theta | m) = |M|^2(s, cos theta, m) / integral of |M|^2 over cos theta, at a fixed energy.

    Parameters
    ----------
    process : what the top quarks are made of, gluons or quarks.
    energy : of the pair in its centre of mass, in GeV.
    mass : the true one, in GeV.

    Raises
    ------
    ConfigError : an unknown process, or an energy that is not above the threshold and below 20 times the mass.
    """

    def __init__(self, process: Literal["gluons", "quarks"], energy: float, mass: float):
        if process not in PROCESSES:
            raise ConfigError(f"loss.process must be one of {', '.join(PROCESSES)}, got {process!r}")
        if not 0 < mass <= 10_000:
            raise ConfigError(f"loss.mass must be > 0 and <= 10,000 GeV, got {mass}")
        if not 2 * mass < energy < HIGHEST * mass:
            raise ConfigError(
                f"loss.energy must be above the threshold, twice the mass, and below {HIGHEST:g} times it: between "
                f"{2 * mass:g} and {HIGHEST * mass:g} GeV, got {energy}"
            )
        self.process, self.energy, self.mass = process, energy, mass
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        self._nodes, self._weights = torch.from_numpy(nodes), torch.from_numpy(weights)

    def squared(self, cos: Tensor, mass: Tensor) -> Tensor:
        """|M|^2, with the coupling 1, of cosines and masses that broadcast; differentiable by both."""
        return PROCESSES[self.process](torch.tensor(self.energy**2, dtype=torch.float64), cos, mass.double())

    def log_density(self, cos: Tensor, mass: Tensor) -> Tensor:
        """ln p (B,) of cosines (B,) for a mass ()."""
        total = self._weights.to(cos) @ self.squared(self._nodes.to(cos), mass)
        return self.squared(cos, mass).log() - total.log()

    def quantile(self, u: Tensor) -> Tensor:
        """Cosines of events with the true mass, at values u (B,) of their cumulative distribution."""
        cos = torch.linspace(-1, 1, GRID, dtype=torch.float64)
        density = self.squared(cos, torch.tensor(self.mass)).numpy()
        cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        return torch.from_numpy(np.interp(u.numpy(), cumulative / cumulative[-1], cos.numpy()))
