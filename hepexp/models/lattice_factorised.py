"""Metropolis within Gibbs: learnt densities of single variables given their neighbours, as proposals of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data, require_positive, require_widths
from hepexp.models.layers.dense import dense
from hepexp.models.layers.local_kernels import AngleKernel, LocalKernel, ScalarKernel
from hepexp.models.layers.markov_chain import MarkovChain, State, require_lengths
from hepexp.physics.lattice_action import AngleAction, LatticeAction

PROPOSALS = 32  # of each variable, for the effective sample size
MOST_BINS = 1000


class LatticeFactorised(MarkovChain):
    """Chains whose steps are sweeps: every variable is offered a value of a density q(x | A) that a network has learnt.

    A is what the others pull it by: the sum of its neighbours, or of the staples beside a link. The offer x' is
    accepted with probability

        min(1, exp(S(x) - S(x')) q(x | A) / q(x' | A)),

    of variables that do not pull each other all at once, so that exp(-S) stays invariant whatever q is. With q equal to
    the conditional density of the theory, all are accepted: a heat bath, also where it has no closed form. Lattices of
    any size share one q. It is trained to the smallest divergence from the conditional density, averaged over the
    variables of configurations that the chain itself has reached after some sweeps:

        E [ln q(x | A) + S(x | A)].

    Parameters
    ----------
    n_bins : of a spline.
    widths : of the network, from the size of A to the parameters of the spline.
    warm_up : sweeps before each step of the training.
    thermalisation : sweeps that are dropped.
    n_sweeps : that are kept.
    n_features : features of an example in the data set, which must be 0.

    Raises
    ------
    ConfigError : values out of range, or a data set with features.

    References
    ----------
    A. Faraz, A. Singha, D. Chakrabarti, V. Arora, arXiv:2308.08615, whose kernels see each neighbour by itself.
    """

    kernel: type[LocalKernel]

    def __init__(
        self,
        n_bins: int = 8,
        widths: Sequence[int] = (32, 32),
        warm_up: int = 4,
        thermalisation: int = 200,
        n_sweeps: int = 2000,
        *,
        n_features: int,
    ):
        super().__init__(thermalisation, n_sweeps)
        require_positive(n_sweeps=n_sweeps)
        require_lengths(warm_up=warm_up, thermalisation=thermalisation, n_sweeps=n_sweeps)
        require_widths(widths=widths)
        if not 2 <= n_bins <= MOST_BINS:
            raise ConfigError(f"model.n_bins must be from 2 to {MOST_BINS:,}, got {n_bins}")
        require_no_data("lattice_factorised", n_features)
        self.warm_up = warm_up
        self.network = dense(1, widths, LocalKernel.n_parameters(n_bins), nn.SiLU)
        last = self.network[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)  # the kernel begins as normal, or uniform
        nn.init.zeros_(last.bias)

    def take(self, action: LatticeAction) -> None:
        super().take(action)
        self.kernel = AngleKernel if isinstance(action, AngleAction) else ScalarKernel

    def step(self, x: Tensor, random: torch.Generator) -> State:
        x, n_accepted = x.clone(), torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for colour in self.action.colours().to(x.device):
            here, pull = x[:, colour], self.action.pull(x)[:, colour]
            q = self.density(pull)
            offered, log_q = q.draw(q.noise(pull.shape, random).to(x.device))
            log_ratio = self.action.local(here, pull) - self.action.local(offered, pull) + q.log_q(here) - log_q
            accepted = torch.rand(here.shape, generator=random, dtype=x.dtype).to(x.device).log() < log_ratio
            x[:, colour] = torch.where(accepted, offered, here)
            n_accepted += accepted.sum(1)
        return State(x, n_accepted / x[0].numel())

    def density(self, pull: Tensor) -> LocalKernel:
        """q of variables that are pulled so (...)."""
        like = next(self.network.parameters())
        return self.kernel(pull, self.network(pull.abs().to(like)[..., None]))

    def divergence(self, n: int, random: torch.Generator | None = None) -> Tensor:
        """E [ln q + S] (n,), means over the variables of each configuration: their divergence but for a constant.

        Parameters
        ----------
        random : gives all random numbers, on the CPU; by default those of the training step.
        """
        random = random or torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        pull = self.action.pull(self.reached(n, random))
        q = self.density(pull)
        x, log_q = q.draw(q.noise(pull.shape, random).to(pull.device))
        return (log_q + self.action.local(x, pull)).flatten(1).mean(1)

    def local_ess(self, n: int, random: torch.Generator) -> Tensor:
        """Effective sample size (n,) of draws of q, a mean over the variables of n configurations."""
        pull = self.action.pull(self.reached(n, random))
        q, log_w = self.density(pull), []
        for _ in range(PROPOSALS):
            x, log_q = q.draw(q.noise(pull.shape, random).to(pull.device))
            log_w.append(-self.action.local(x, pull) - log_q)
        w = torch.stack(log_w).softmax(0)
        return 1 / w.square().sum(0).flatten(1).mean(1) / PROPOSALS

    @torch.no_grad()
    def reached(self, n: int, random: torch.Generator) -> Tensor:
        """Configurations (n, ...) after the sweeps of the warm-up."""
        x = self.hot(n, random)
        for _ in range(self.warm_up):
            x = self.step(x, random).x
        return x
