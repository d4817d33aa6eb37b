"""Learning by an action, without data: a model draws configurations, whose density is brought close to exp(-S)."""

from __future__ import annotations

from math import prod
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.autocorrelation import independence_chain
from hepexp.evaluation.evaluators.sampling import SamplingEvaluator
from hepexp.losses.objective import Objective
from hepexp.physics.lattice_action import LatticeAction


class Sampling(Objective):
    """The divergence of a density q, from which a model draws configurations x, from p = exp(-S) / Z.

        reverse_kl:  E_q [ln q(x) + S(x)], whose minimum is -ln Z; gradients go through the draws.
        forward_kl:  -E_p ln q(x), with draws of q that are weighted by w = exp(-S) / q.
        metropolis:  the same with the states of an independence-Metropolis chain of the draws of each step.

    The last two learn from the model's own draws with its present weights, so that it must reach p somewhat before. A
    validation or test draws as many configurations as it has examples, by a seed of their indices; their loss is that
    of reverse_kl, whatever is minimised. A model that is a Markov chain itself, such as hybrid Monte Carlo, is only
    run: each example is a chain.

    Parameters
    ----------
    action : S, with its lattice and couplings.
    divergence : that is minimised: reverse_kl, forward_kl or metropolis.

    Raises
    ------
    ConfigError : an unknown divergence; from `prepare`, a model that draws no such configurations.

    References
    ----------
    M. S. Albergo, G. Kanwar, P. E. Shanahan, arXiv:1904.12072.
    """

    evaluator: SamplingEvaluator
    monitor = ("val/ess", "max")
    draws = True

    def __init__(
        self,
        action: LatticeAction,
        divergence: Literal["reverse_kl", "forward_kl", "metropolis"] = "reverse_kl",
    ):
        super().__init__()
        if divergence not in ("reverse_kl", "forward_kl", "metropolis"):
            raise ConfigError(f"loss.divergence must be reverse_kl, forward_kl or metropolis, got {divergence!r}")
        self.action, self.divergence = action, divergence
        self.evaluator = SamplingEvaluator(action)

    def n_outputs(self, spec: DataSpec) -> int:
        return prod(self.action.shape)

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if is_chain(model):
            model.action = self.action
            return
        reads = getattr(model, "field", None)
        if reads != self.action.field:
            found = f"which draws {reads}" if reads else "which draws none"
            raise ConfigError(
                f"loss=sampling needs a model that draws {self.action.field}, not {type(model).__name__}, {found}; "
                "choose model=lattice_phi4 for a ScalarField, or model=hmc"
            )

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        """`log_weight` (B,) = -S - ln q and observables of draws; of chains `chain/<observable>` (B, T) and more."""
        random = torch.Generator().manual_seed(int(batch.index[0]))
        if is_chain(model):
            return self._chains(model, len(batch), random)
        return self.configurations(model, len(batch), random)[1]

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if self.training:
            return {"loss": self._loss(model, len(batch))}, {}
        found = self.outputs(model, batch)
        if is_chain(model):
            return {"loss": found["accepted"].new_zeros(())}, found
        loss = -found["log_weight"]
        return {"loss": loss.mean()}, {**found, "loss": loss}

    def configurations(self, model: nn.Module, n: int, random: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Draws (n, *shape) of a density, with `log_weight` = -S - ln q and observables (n,)."""
        with torch.no_grad():
            x, log_q = (value.double() for value in model.draw(model.latent(n, random)))
            return x, {"log_weight": -self.action(x) - log_q, **self.observed(x)}

    def observed(self, x: Tensor) -> dict[str, Tensor]:
        """The observables (B,) of configurations (B, *shape)."""
        names = [name for name, _ in self.action.observables]
        return dict(zip(names, self.action.observe(x).unbind(1), strict=True))

    def _loss(self, model: nn.Module, n: int) -> Tensor:
        if self.divergence == "reverse_kl":
            x, log_q = model.draw(model.latent(n))
            return (log_q + self.action(x)).mean()
        with torch.no_grad():
            x, log_q = model.draw(model.latent(n))
            log_weight = -self.action(x) - log_q
            if self.divergence == "forward_kl":
                share = log_weight.softmax(0)
            else:
                uniform = torch.rand(n, dtype=torch.float64).numpy()
                at, _ = independence_chain(log_weight.double().cpu().numpy(), uniform)
                share = torch.from_numpy(np.bincount(at, minlength=n) / n).to(log_weight)
        return -(share * model.log_density(x)).sum()

    def _chains(self, model: nn.Module, n: int, random: torch.Generator) -> dict[str, Tensor]:
        kept = []
        with torch.no_grad():
            for state in model.chain(n, random):  # whose configurations are many
                found = {f"chain/{name}": values for name, values in self.observed(state.x).items()}
                kept.append({**found, "accepted": state.accepted.double(), "energy_change": state.energy_change})
        return {name: torch.stack([one[name] for one in kept], dim=1) for name in kept[0]}


def is_chain(model: nn.Module) -> bool:
    """Whether a model is a Markov chain, rather than a density that is drawn from."""
    return hasattr(model, "chain")
