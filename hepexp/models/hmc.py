"""Hybrid Monte Carlo: a Markov chain that follows Hamilton's equations of the action, with nothing to learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data, require_positive
from hepexp.physics.lattice_action import LatticeAction

MOST = 10**7  # trajectories, or steps of one


class State(NamedTuple):
    """Of chains after a trajectory: configurations (B, ...), whether the last proposals (B,) were accepted, and dH."""

    x: Tensor
    accepted: Tensor
    energy_change: Tensor


class HybridMonteCarlo(nn.Module):
    """Chains whose proposals are trajectories of the leapfrog integrator, from momenta that are drawn anew.

    They begin with configurations without correlations; the first trajectories are dropped. In float64.

    Parameters
    ----------
    step : of the integrator, in its time.
    n_steps : of a trajectory.
    thermalisation : trajectories that are dropped.
    n_trajectories : that are kept.
    n_features : features of an example in the data set, which must be 0.

    Attributes
    ----------
    action : that the loss samples.

    Raises
    ------
    ConfigError : values out of range, or a data set with features.

    References
    ----------
    S. Duane, A. D. Kennedy, B. J. Pendleton, D. Roweth, Phys. Lett. B 195 (1987) 216.
    """

    input = "features"
    lorentz_invariant = False
    action: LatticeAction
    _here: Tensor

    def __init__(
        self,
        step: float = 0.1,
        n_steps: int = 10,
        thermalisation: int = 200,
        n_trajectories: int = 2000,
        *,
        n_features: int,
    ):
        super().__init__()
        require_positive(step=step, n_steps=n_steps, n_trajectories=n_trajectories)
        for key, value in (
            ("n_steps", n_steps),
            ("thermalisation", thermalisation),
            ("n_trajectories", n_trajectories),
        ):
            if not 0 <= value <= MOST:
                raise ConfigError(f"model.{key} must be >= 0 and <= {MOST:,}, got {value}")
        require_no_data("hmc", n_features)
        self.step, self.n_steps = step, n_steps
        self.thermalisation, self.n_trajectories = thermalisation, n_trajectories
        self.register_buffer("_here", torch.zeros(()), persistent=False)  # on the device of the chains

    def chain(self, n: int, random: torch.Generator, length: int | None = None) -> Iterator[State]:
        """The states of n chains after each trajectory, `n_trajectories` or so many.

        Parameters
        ----------
        random : gives all random numbers, on the CPU.
        """
        x = self.action.hot(n, random).to(self._here.device)
        for k in range(self.thermalisation + (length or self.n_trajectories)):
            state = self.trajectory(x, random)
            x = state.x
            if k >= self.thermalisation:
                yield state

    def trajectory(self, x: Tensor, random: torch.Generator) -> State:
        """One trajectory of each configuration (B, ...), accepted with probability min(1, exp(-dH))."""
        p = torch.randn(x.shape, generator=random, dtype=x.dtype).to(x.device)
        uniform = torch.rand(len(x), generator=random, dtype=x.dtype).to(x.device)
        y, q = self.leapfrog(x, p)
        change = self.energy(y, q) - self.energy(x, p)
        accepted = uniform < (-change).exp()
        return State(torch.where(accepted.reshape(-1, *(1,) * (x.ndim - 1)), y, x), accepted, change)

    def leapfrog(self, x: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        """Where the equations of motion of p^2 / 2 + S(x) take x and p, by a symplectic and reversible integrator."""
        p = p + 0.5 * self.step * self.action.force(x)
        for _ in range(self.n_steps - 1):
            x = x + self.step * p
            p = p + self.step * self.action.force(x)
        x = x + self.step * p
        return x, p + 0.5 * self.step * self.action.force(x)

    def energy(self, x: Tensor, p: Tensor) -> Tensor:
        """H (B,)."""
        return 0.5 * p.square().flatten(1).sum(1) + self.action(x)

    def forward(self, batch: Batch) -> Tensor:
        """A trajectory of each of as many chains, which begins without correlations."""
        random = torch.Generator().manual_seed(0)
        x = self.action.hot(len(batch), random).to(self._here.device)
        return self.trajectory(x, random).x.flatten(1)
