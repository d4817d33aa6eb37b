"""Moment networks: the mean and the standard deviation of the posterior, without a form of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.evaluation.evaluators.regression import RegressionEvaluator
from hepexp.losses.regression import SMALLEST_SIGMA, Regression


class MomentNetwork(Regression):
    """ln <(y - mu)^2> + ln <((y - mu)^2 - sigma^2)^2>, means over the batch, summed over the targets y.

    Trained to the end it is mu = <y | x> and sigma^2 = <(y - mu)^2 | x>: the first two moments of the posterior,
    whatever its form. The logarithms give both terms the same weight. The gradient of the second term does not reach
    mu, which it would pull away from the mean of a skew posterior. Of the two outputs for each target, the second one
    gives sigma = softplus(output) + 0.001 standard deviations of the target.

    Parameters
    ----------
    compare_with : for each target one of dataset.observers, which is evaluated as if it were a prediction; empty for
        none.

    References
    ----------
    N. Jeffrey, B. D. Wandelt, arXiv:2011.05991; P. Villanueva-Domingo et al., arXiv:2111.08683.
    """

    per_target = 2
    takes_weights = False
    min_batch = 2

    def __init__(self, compare_with: Sequence[str] = ()) -> None:
        super().__init__(compare_with)

    def make_evaluator(self, evaluator: RegressionEvaluator) -> RegressionEvaluator:
        evaluator.has_sigma = True
        return evaluator

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        found = self._found(model, batch)
        target = (batch.target.to(found.dtype) - self.mean) / self.std
        described = {name: values.detach() for name, values in self.predictions(found).items()}
        return {"loss": self.of_batch(found[..., 0], self._sigma(found), target)}, {"target": batch.target, **described}

    @staticmethod
    def of_batch(mean: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
        """The loss of standardised numbers (B, T)."""
        square = (target - mean).square()
        fourth = (square.detach() - sigma.square()).square()
        smallest = torch.finfo(mean.dtype).tiny
        return (square.mean(0).clamp(min=smallest).log() + fourth.mean(0).clamp(min=smallest).log()).sum()

    def of_predictions(self, outputs: Mapping[str, NDArray]) -> NDArray[np.float64]:
        """The loss of all predictions together, as often as there are examples (n,)."""
        mean, std = (values.double().cpu().numpy() for values in (self.mean, self.std))
        predicted, target = ((np.asarray(outputs[name], np.float64) - mean) / std for name in ("predicted", "target"))
        sigma = np.asarray(outputs["sigma"], np.float64) / std
        loss = self.of_batch(*map(torch.from_numpy, (predicted, sigma, target)))
        return np.full(len(target), loss.item())

    def predictions(self, found: Tensor) -> dict[str, Tensor]:
        return {**super().predictions(found), "sigma": self.std * self._sigma(found)}

    @staticmethod
    def _sigma(found: Tensor) -> Tensor:
        return F.softplus(found[..., 1]) + SMALLEST_SIGMA
