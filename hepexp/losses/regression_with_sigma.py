"""Losses of regression that predict a real number and its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.evaluation.bootstrap import mean as weighted
from hepexp.evaluation.evaluators.regression import RegressionEvaluator
from hepexp.losses.across_ranks import of_all_ranks
from hepexp.losses.regression import Regression

SMALLEST_SIGMA = 1e-3  # standard deviations of the target


class WithSigma(Regression):
    """What they share: the second of two outputs for each target gives the uncertainty, in the units of the target.

    It is sigma = softplus(output) + 0.001 standard deviations of the target.
    """

    per_target = 2

    def make_evaluator(self, evaluator: RegressionEvaluator) -> RegressionEvaluator:
        evaluator.has_sigma = True
        return evaluator

    def standardised(self, outputs: Mapping[str, Tensor], mean: Tensor, std: Tensor) -> Tensor:
        return torch.cat([super().standardised(outputs, mean, std), (outputs["sigma"] / std)[..., None]], dim=-1)

    def predictions(self, found: Tensor) -> dict[str, Tensor]:
        return {**super().predictions(found), "sigma": self.std * self.sigma(found)}

    @staticmethod
    def sigma(found: Tensor) -> Tensor:
        """In standard deviations of the target (B, T), of the outputs (B, T, 2)."""
        return F.softplus(found[..., 1]) + SMALLEST_SIGMA


class GaussianNll(WithSigma):
    """(prediction - target)^2 / (2 sigma^2) + ln sigma + ln(2 pi) / 2: a prediction and its uncertainty sigma.

    Of the two outputs for each target, the second one gives sigma = softplus(output) + 0.001 standard deviations of
    the target.

    References
    ----------
    D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994.
    """

    def each(self, found: Tensor, target: Tensor) -> Tensor:
        return self.of_standardised(torch.stack([found[..., 0], self.sigma(found)], dim=-1), target)

    def of_standardised(self, predicted: Tensor, target: Tensor) -> Tensor:
        mean, sigma = predicted.unbind(-1)
        return ((mean - target) / sigma).square() / 2 + sigma.log() + math.log(2 * math.pi) / 2


class MomentNetwork(WithSigma):
    """ln <(y - mu)^2> + ln <((y - mu)^2 - sigma^2)^2>, means over the examples, summed over the targets y.

    Trained to the end it is mu = <y | x> and sigma^2 = <(y - mu)^2 | x>: the first two moments of the posterior,
    whatever its form. The logarithms give both terms the same weight. The gradient of the second term does not reach
    mu, which it would pull away from the mean of a skew posterior. Of the two outputs for each target, the second one
    gives sigma = softplus(output) + 0.001 standard deviations of the target. In the publications the second term's
    gradient reaches mu, and sigma is the output itself.

    The mean of logarithms over batches is not the logarithm of the mean: at its minimum sigma is too small, of normal
    errors 0.94 of the truth in batches of 32 and 0.98 in those of 128. Smaller ones, with 0.88 in those of 16 and 0.66
    in those of 4, are refused. Several devices take the means over the batch of all of them; validation and test, over
    all examples.

    Parameters
    ----------
    compare_with : for each target one of dataset.observers, which is evaluated as if it were a prediction; empty for
        none.

    References
    ----------
    N. Jeffrey, B. D. Wandelt, arXiv:2011.05991; P. Villanueva-Domingo et al., arXiv:2111.08683.
    """

    takes_weights = False
    min_batch = 32

    def __init__(self, compare_with: Sequence[str] = ()) -> None:
        super().__init__(compare_with)

    def make_evaluator(self, evaluator: RegressionEvaluator) -> RegressionEvaluator:
        evaluator.of_all = self.of_all
        return super().make_evaluator(evaluator)

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        found = self._found(model, batch)
        target = (batch.target.to(found.dtype) - self.mean) / self.std
        described = {name: values.detach() for name, values in self.predictions(found).items()}
        if self.training:
            found, target = of_all_ranks(found), of_all_ranks(target)
        square = (target - found[..., 0]).square()
        fourth = (square.detach() - self.sigma(found).square()).square()
        means = torch.stack([square, fourth]).mean(1)  # (2, T)
        loss = means.clamp(min=torch.finfo(means.dtype).tiny).log().sum()
        return {"loss": loss}, {"target": batch.target, **described}

    def of_all(self, outputs: Mapping[str, NDArray]) -> Callable[[NDArray], float]:
        """The loss of all examples together as a function of their weights (n,).

        Parameters
        ----------
        outputs : `target`, `predicted` and `sigma` (n, T), in units of the data.
        """
        std = self.std.double().cpu().numpy()
        names = ("target", "predicted", "sigma")
        target, predicted, sigma = (np.asarray(outputs[name], np.float64) / std for name in names)
        square = (target - predicted) ** 2
        columns = np.concatenate([square, (square - sigma**2) ** 2], axis=1).T
        smallest = np.finfo(np.float64).tiny
        return lambda weight: float(sum(np.log(np.maximum(weighted(each, weight), smallest)) for each in columns))
