"""Hybrid Monte Carlo: a Markov chain that follows Hamilton's equations of the action, with nothing to learn."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.models.checks import require_no_data, require_positive
from hepexp.models.layers.markov_chain import MarkovChain, State, require_lengths


class HybridMonteCarlo(MarkovChain):
    """Chains whose proposals are trajectories of the leapfrog integrator, from momenta that are drawn anew.

    Parameters
    ----------
    step : of the integrator, in its time.
    n_steps : of a trajectory.
    thermalisation : trajectories that are dropped.
    n_trajectories : that are kept.
    n_features : features of an example in the data set, which must be 0.

    Raises
    ------
    ConfigError : values out of range, or a data set with features.

    References
    ----------
    S. Duane, A. D. Kennedy, B. J. Pendleton, D. Roweth, Phys. Lett. B 195 (1987) 216.
    """

    def __init__(
        self,
        step: float = 0.1,
        n_steps: int = 10,
        thermalisation: int = 200,
        n_trajectories: int = 2000,
        *,
        n_features: int,
    ):
        super().__init__(thermalisation, n_trajectories)
        require_positive(step=step, n_steps=n_steps, n_trajectories=n_trajectories)
        require_lengths(n_steps=n_steps, thermalisation=thermalisation, n_trajectories=n_trajectories)
        require_no_data("hmc", n_features)
        self.dt, self.n_steps = step, n_steps

    def step(self, x: Tensor, random: torch.Generator) -> State:
        """One trajectory of each configuration (B, ...), accepted with probability min(1, exp(-dH))."""
        p = torch.randn(x.shape, generator=random, dtype=x.dtype).to(x.device)
        uniform = torch.rand(len(x), generator=random, dtype=x.dtype).to(x.device)
        y, q = self.leapfrog(x, p)
        change = self.energy(y, q) - self.energy(x, p)
        accepted = uniform < (-change).exp()
        return State(torch.where(accepted.reshape(-1, *(1,) * (x.ndim - 1)), y, x), accepted, change)

    def leapfrog(self, x: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        """Where the equations of motion of p^2 / 2 + S(x) take x and p, by a symplectic and reversible integrator."""
        p = p + 0.5 * self.dt * self.action.force(x)
        for _ in range(self.n_steps - 1):
            x = x + self.dt * p
            p = p + self.dt * self.action.force(x)
        x = x + self.dt * p
        return x, p + 0.5 * self.dt * self.action.force(x)

    def energy(self, x: Tensor, p: Tensor) -> Tensor:
        """H (B,)."""
        return 0.5 * p.square().flatten(1).sum(1) + self.action(x)
