"""Maximum likelihood of a normalising flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.densities import DensityEvaluator
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weighted_mean
from hepexp.models.feature_flow import FeatureFlow


class FlowNll(Objective[FeatureFlow]):
    """-ln p(x | c), averaged over the batch, of a flow that knows the density of features x for a value of c.

    In test each example gets a sample at its c, which is compared with the examples of the first class.

    References
    ----------
    D. J. Rezende, S. Mohamed, arXiv:1505.05770.
    """

    evaluator = DensityEvaluator()
    monitor = ("val/loss", "min")
    takes_weights = True
    sample = 10**9  # all: the density is zero outside of the box that holds them

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not isinstance(model, FeatureFlow):
            raise ConfigError(f"loss=flow_nll needs model=feature_flow, not {type(model).__name__}")

    def see(self, model: FeatureFlow, batches: Iterable) -> None:
        model.take_scales(torch.cat([batch.features for batch in batches]))

    def outputs(self, model: FeatureFlow, batch) -> dict[str, Tensor]:
        return {"log_prob": model.log_prob(batch.features)}

    def terms(self, model: FeatureFlow, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        log_prob = model.log_prob(batch.features)
        loss = {"loss": weighted_mean(-log_prob, batch.weight)}
        if self.training:
            return loss, {}
        with same_numbers(batch):
            sample = model.sample(batch.features)
        of_each = {"features": batch.features[:, :-1], "sample": sample}
        return loss, {"loss": -log_prob.detach(), "log_prob": log_prob.detach(), **of_each}


@contextmanager
def same_numbers(batch) -> Iterator[None]:
    """Within the block random numbers depend on the batch alone; afterwards they are as if none had been drawn."""
    with torch.random.fork_rng([batch.label.device] if batch.label.is_cuda else []):
        torch.manual_seed(int(batch.index[0]))
        yield
