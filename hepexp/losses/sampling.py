"""Learning by an action, without data: a model draws configurations, whose density is brought close to exp(-S)."""

from __future__ import annotations

from math import prod
from time import perf_counter, process_time
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.autocorrelation import independence_chain
from hepexp.evaluation.evaluators.sampling import SamplingEvaluator
from hepexp.losses.lattice_samplers import Chain, Density, is_chain, is_conditional, is_learnt
from hepexp.losses.objective import Objective
from hepexp.memory import require
from hepexp.physics.lattice_action import LatticeAction

SCANNED, SCAN_DRAWS = 9, 2048  # couplings of the figure of a conditional flow, and draws at each
OVERHEAD = 500  # bytes of a tensor besides its numbers, about


class Sampling(Objective[Density | Chain]):
    """The divergence of a density q, from which a model draws configurations x, from p = exp(-S) / Z.

        reverse_kl:  E_q [ln q(x) + S(x)], whose minimum is -ln Z; gradients go through the draws.
        forward_kl:  -E_p ln q(x), with draws of q that are weighted by w = exp(-S) / q.
        metropolis:  the same with the states of an independence-Metropolis chain of the draws of each step.

    The last two learn from the model's own draws with its present weights, so that it must reach p somewhat before. A
    validation or test draws as many configurations as it has examples, by a seed of their indices; their loss is that
    of reverse_kl, whatever is minimised. A model that is a Markov chain itself, such as hybrid Monte Carlo, is only
    run: each example is a chain, which depends on the seed of the run, too. If its proposals are learnt, the divergence
    is that of the proposals, reverse_kl. A model of a range of couplings is trained at random ones, each draw at its
    own for reverse_kl and each step at one for the others, and tested at that of the action.

    Parameters
    ----------
    action : S, with its lattice and couplings.
    divergence : that is minimised: reverse_kl, forward_kl or metropolis.

    Raises
    ------
    ConfigError : an unknown divergence; from `prepare`, a model that draws no such configurations, or a Markov chain
        with a divergence other than reverse_kl; from `outputs`, chains that are too long for the memory.

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
            model.take(self.action)
            if self.divergence != "reverse_kl":
                why = "whose proposals are trained by it" if is_learnt(model) else "which minimises nothing"
                raise ConfigError(
                    f"loss.divergence must be reverse_kl for {type(model).__name__}, {why}, got {self.divergence}"
                )
            return
        reads = getattr(model, "field", None)
        if reads != self.action.field:
            found = f"which draws {reads}" if reads else "which draws none"
            raise ConfigError(
                f"loss=sampling needs a model that draws {self.action.field}, not {type(model).__name__}, {found}; "
                "choose model=lattice_phi4 for a ScalarField, lattice_u1 for a U1Gauge, or model=hmc or "
                "lattice_factorised for any action"
            )

        beta: float = getattr(self.action, "beta", 0.0)  # of a gauge theory
        if is_conditional(model):
            if not model.beta_min <= beta <= model.beta_max:
                raise ConfigError(
                    f"loss.action.beta must be from model.beta_min={model.beta_min:g} to "
                    f"model.beta_max={model.beta_max:g}, in which the flow is trained, got {beta:g}"
                )
            model.beta = beta
        elif (begin_at := getattr(model, "begin_at", None)) is not None:
            begin_at(beta)

    def outputs(self, model: Density | Chain, batch) -> dict[str, Tensor]:
        """`log_weight` (B,) = -S - ln q and observables of draws; of chains `chain/<observable>` (B, T) and more.

        Of both `seconds` (B,), the processor time for a draw or a step of one chain of those side by side.
        """
        if is_chain(model):
            return self._chains(model, len(batch), _random_of(model, batch, 0))
        random = torch.Generator().manual_seed(int(batch.index[0]))
        begin = _clock(batch.index)
        found = self.configurations(model, len(batch), random)[1]
        return {**found, "seconds": _shared_time(begin, found["log_weight"])}

    def terms(self, model: Density | Chain, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if is_chain(model):
            if not is_learnt(model):
                found = self.outputs(model, batch)
                return {"loss": found["accepted"].new_zeros(())}, found
            if self.training:
                return {"loss": model.divergence(len(batch)).mean()}, {}
            terms, found = self.terms_of_epoch(model, batch)
            return terms, {**found, **self.outputs(model, batch)}
        if self.training:
            return {"loss": self._loss(model, len(batch))}, {}
        found = self.outputs(model, batch)
        loss = -found["log_weight"]
        return {"loss": loss.mean()}, {**found, "loss": loss}

    def terms_of_epoch(self, model: Density | Chain, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if not is_learnt(model):
            return self.terms(model, batch)
        random = _random_of(model, batch, 1)
        with torch.no_grad():  # chains, which may be long, are left to the test
            loss, ess = model.divergence(len(batch), random), model.local_ess(len(batch), random)
        return {"loss": loss.mean()}, {"loss": loss, "ess": ess}

    def configurations(self, model: Density, n: int, random: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Draws (n, *shape) of a density, with `log_weight` = -S - ln q and observables (n,)."""
        with torch.no_grad():
            x, log_q = (value.double() for value in model.draw(model.latent(n, random)))
            return x, {"log_weight": -self.action(x) - log_q, **self.observed(x)}

    def observed(self, x: Tensor) -> dict[str, Tensor]:
        """The observables (B,) of configurations (B, *shape)."""
        names = [name for name, _ in self.action.observables]
        return dict(zip(names, self.action.observe(x).unbind(1), strict=True))

    def _loss(self, model: Density, n: int) -> Tensor:
        at: tuple[Tensor, ...] = ()  # couplings, of a model that is conditional on them
        if is_conditional(model):
            at = (model.draw_betas(n) if self.divergence == "reverse_kl" else model.draw_betas(1).expand(n),)
        if self.divergence == "reverse_kl":
            x, log_q = model.draw(model.latent(n), *at)
            return (log_q + self.action(x, *at)).mean()
        with torch.no_grad():
            x, log_q = model.draw(model.latent(n), *at)
            log_weight = -self.action(x, *at) - log_q
            if self.divergence == "forward_kl":
                share = log_weight.softmax(0)
            else:
                uniform = torch.rand(n, dtype=torch.float64).numpy()
                states, _ = independence_chain(log_weight.double().cpu().numpy(), uniform)
                share = torch.from_numpy(np.bincount(states, minlength=n) / n).to(log_weight)
        return -(share * model.log_density(x, *at)).sum()

    def gallery(self, model: Density | Chain, batch) -> dict[str, Tensor]:
        """Of a model of a range of couplings, draws at several: beta (K,), and weights and observables (K, n)."""
        if not is_conditional(model):
            return {}
        betas = torch.linspace(model.beta_min, model.beta_max, SCANNED, dtype=torch.float64)
        rows = []
        with torch.no_grad():
            for k, beta in enumerate(betas):
                z = model.latent(SCAN_DRAWS, torch.Generator().manual_seed(k))
                at: tuple[Tensor, ...] = (beta.expand(SCAN_DRAWS).to(z.device),)
                x, log_q = (value.double() for value in model.draw(z, *at))
                rows.append({"log_weight": -self.action(x, *at) - log_q, **self.observed(x)})
        return {"beta": betas, **{name: torch.stack([row[name] for row in rows]) for name in rows[0]}}

    def _chains(self, model: Chain, n: int, random: torch.Generator) -> dict[str, Tensor]:
        numbers = len(self.action.observables) + 2
        require(
            model.n_kept * numbers * (16 * n + OVERHEAD),
            f"the record of {n:,} chains of {model.n_kept:,} steps",
            "take fewer steps (model.n_sweeps or n_trajectories) or chains (dataset.n_test)",
        )
        kept, begin = [], 0.0
        with torch.no_grad():
            for state in model.chain(n, random):  # whose configurations are many
                begin = begin or _clock(state.x)  # after the first, so that thermalisation does not count
                found = {f"chain/{name}": values for name, values in self.observed(state.x).items()}
                found["accepted"] = state.accepted.double()
                if state.energy_change is not None:
                    found["energy_change"] = state.energy_change
                kept.append(found)
        columns = {name: torch.stack([one[name] for one in kept], dim=1) for name in kept[0]}
        return {**columns, "seconds": _shared_time(begin, columns["accepted"]) / max(len(kept) - 1, 1)}


def _random_of(model: Chain, batch, purpose: int) -> torch.Generator:
    """Random numbers that depend on the run's seed, so that runs of other seeds are other chains, and on the batch."""
    entropy = np.random.SeedSequence((model.seed, int(batch.index[0]), purpose))
    return torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))


def _shared_time(begin: float, made: Tensor) -> Tensor:
    """Seconds (B,) since then of each of B rows that were made together."""
    return torch.full((len(made),), (_clock(made) - begin) / len(made), dtype=torch.float64)


def _clock(here: Tensor) -> float:
    """Seconds that the process has worked, without those of others on the machine; of the day for a GPU."""
    if not here.is_cuda:
        return process_time()
    torch.cuda.synchronize(here.device)
    return perf_counter()
