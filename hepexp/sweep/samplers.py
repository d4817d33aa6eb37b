"""Optuna's samplers and pruners, as a plan names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna import pruners, samplers
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from hepexp.sweep.study import Plan

if TYPE_CHECKING:
    from optuna import Study

GENERATION = (10, 50)  # individuals of NSGA-II, fewest and most


class OfEachTrial(samplers.BaseSampler):
    """The plan's sampler, with a seed of its own for each trial.

    Trials are numbered by the storage, so independent workers, on this machine or others, never draw the same
    values, nor does a sweep that is resumed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.inner = _sampler(plan, 0)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self.inner = _sampler(self.plan, trial.number)
        self.inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self.inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self.inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self.inner.after_trial(study, trial, state, values)


def _sampler(plan: Plan, trial: int) -> samplers.BaseSampler:
    seed = int(np.random.SeedSequence([plan.seed, trial]).generate_state(1)[0])
    match plan.sampler:
        case "random" | "grid":  # the cells of a grid are queued from the start
            return samplers.RandomSampler(seed)
        case "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case "nsgaii":  # with Optuna's 50 most sweeps would be a random search; this gives four generations
            return samplers.NSGAIISampler(seed=seed, population_size=int(np.clip(plan.trials // 4, *GENERATION)))
        case _:
            return samplers.TPESampler(seed=seed, constant_liar=True)


def pruner_of(plan: Plan) -> pruners.BasePruner:
    """The pruner; its steps are epochs done, from 1."""
    match plan.pruner:
        case "median":
            return pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2)
        case "hyperband":
            return pruners.HyperbandPruner(min_resource=1, max_resource=max(plan.max_epochs, 1))
        case _:
            return pruners.NopPruner()
