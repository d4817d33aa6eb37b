"""Heat bath: each angle in turn is drawn from its distribution among its neighbours, with nothing to learn."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data, require_positive
from hepexp.models.layers.markov_chain import MarkovChain, State, require_lengths
from hepexp.physics.lattice_action import AngleAction, LatticeAction
from hepexp.physics.u1_gauge import wrapped

MOST_REFLECTIONS = 1000


class HeatBath(MarkovChain):
    """Chains whose steps are sweeps: every angle is drawn from exp(beta Re A exp(-i theta)), a von Mises distribution.

    A is what the others pull it by: the sum of the spins beside a spin, or of the staples beside a link. Angles that do
    not pull each other are drawn at once. A sweep may be followed by others of overrelaxation, which reflect each angle
    at A and leave S as it is, so that configurations move on along its surface.

    Parameters
    ----------
    overrelaxation : sweeps of it in a step.
    thermalisation : steps that are dropped.
    n_sweeps : steps that are kept.
    n_features : features of an example in the data set, which must be 0.

    Raises
    ------
    ConfigError : values out of range, a data set with features; from `take`, a theory of other than angles.

    References
    ----------
    M. Creutz, Phys. Rev. D 21 (1980) 2308; overrelaxation: M. Creutz, Phys. Rev. D 36 (1987) 515; von Mises
    distribution: D. J. Best, N. I. Fisher, Appl. Statist. 28 (1979) 152, as in NumPy.
    """

    action: AngleAction

    def __init__(self, overrelaxation: int = 0, thermalisation: int = 200, n_sweeps: int = 2000, *, n_features: int):
        super().__init__(thermalisation, n_sweeps)
        require_positive(n_sweeps=n_sweeps)
        require_lengths(thermalisation=thermalisation, n_sweeps=n_sweeps)
        if not 0 <= overrelaxation <= MOST_REFLECTIONS:
            raise ConfigError(f"model.overrelaxation must be >= 0 and <= {MOST_REFLECTIONS:,}, got {overrelaxation}")
        require_no_data("heat_bath", n_features)
        self.overrelaxation = overrelaxation

    def take(self, action: LatticeAction) -> None:
        if not isinstance(action, AngleAction):
            raise ConfigError(
                f"model=heat_bath draws angles, of XYModel or U1Gauge; a variable of {type(action).__name__} has no "
                "distribution in closed form: choose model=hmc or lattice_factorised"
            )
        super().take(action)

    def step(self, x: Tensor, random: torch.Generator) -> State:
        x = self.sweep(x, random)
        for _ in range(self.overrelaxation):
            x = self.reflect(x)
        return State(x, torch.ones(len(x), dtype=torch.bool, device=x.device))

    def sweep(self, x: Tensor, random: torch.Generator) -> Tensor:
        """Every angle of x (B, ...) drawn anew, one colour after the other."""
        numbers = np.random.default_rng(int(torch.randint(2**62, (), generator=random)))
        x = x.clone()
        for colour in self.action.colours().to(x.device):
            pull = self.action.pull(x)[:, colour]
            drawn = numbers.vonmises(pull.angle().cpu().numpy(), self.action.beta * pull.abs().cpu().numpy())
            x[:, colour] = torch.from_numpy(drawn).to(x)
        return x

    def reflect(self, x: Tensor) -> Tensor:
        """Every angle of x (B, ...) on the other side of what it is pulled to, one colour after the other."""
        x = x.clone()
        for colour in self.action.colours().to(x.device):
            x[:, colour] = wrapped(2 * self.action.pull(x)[:, colour].angle() - x[:, colour])
        return x
