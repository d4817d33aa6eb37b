"""Bayesian networks by variational inference: weights with a mean and a width."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses.sampled import SampledCrossEntropy
from hepexp.metric import Metric
from hepexp.models.layers.variational import Variational, make_variational, network


class Bayesian(SampledCrossEntropy):
    """Minus the evidence lower bound for each example: E_q[-ln p(class)] + weight KL(q || prior) / n_train.

    The weights of all linear layers and convolutions get independent normal distributions q. In predictions each pass
    is one network drawn from q, the same for all examples.

    Parameters
    ----------
    prior_sigma : standard deviation of the prior of each weight.
    sigma : initial standard deviation of each weight.
    kl_weight : 1 for the evidence lower bound; less for a colder posterior.
    samples : number of networks in validation, test and prediction.

    Raises
    ------
    ConfigError : a width that is not positive, a negative weight, fewer than 2 networks, a model without such layers,
        or a data set that does not say how many training examples it has.

    References
    ----------
    C. Blundell et al., arXiv:1505.05424, equation 2; on jets S. Bollweg et al., arXiv:1904.10004, section 2.
    """

    metrics = (
        Metric(
            "kl_of_weights",
            "neither",
            "KL of weights",
            "Kullback-Leibler divergence of the weights' distribution from their prior, in nats.",
            range=">= 0",
            recorded=False,
        ),
    )

    def __init__(
        self, prior_sigma: float = 1.0, sigma: float = 0.01, kl_weight: float = 1.0, samples: int = 20
    ) -> None:
        super().__init__(samples)
        for name, value in (("prior_sigma", prior_sigma), ("sigma", sigma)):
            if not value > 0:
                raise ConfigError(f"loss.{name} must be > 0, got {value}")
        if not kl_weight >= 0:
            raise ConfigError(f"loss.kl_weight must be >= 0, got {kl_weight}")
        self.prior_sigma, self.sigma, self.kl_weight = prior_sigma, sigma, kl_weight

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        super().prepare(model, example, spec)
        if not make_variational(model, self.sigma, self.prior_sigma):
            raise ConfigError(f"loss=bayesian: {type(model).__name__} has no linear layers or convolutions of its own")
        self.refuse_same(model, example, "its layers read their weights themselves; choose another model")

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        terms, outputs = super().terms(model, batch)
        if not self.training:
            return terms, outputs
        if self.n_train is None:
            raise ConfigError("loss=bayesian needs the number of training examples, which this data set does not say")
        kl = torch.stack([layer.kl() for layer in model.modules() if isinstance(layer, Variational)]).sum()
        return {**terms, "loss": terms["loss"] + self.kl_weight * kl / self.n_train, "kl_of_weights": kl}, outputs

    def network(self, model: nn.Module, draw: int, batch) -> AbstractContextManager[None]:
        return network(model, draw)
