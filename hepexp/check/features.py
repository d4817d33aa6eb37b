"""Rows of variables as an imperfect simulation or measurement gives them: smeared, shifted, lost."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import FeatureBatch
from hepexp.check.check import Check
from hepexp.data.views.random_view import RandomView


class SmearedVariables(RandomView[FeatureBatch]):
    """Normal noise added to every variable of each example, independently.

    Parameters
    ----------
    strength : standard deviation of the noise, in units of the variable's spread over the examples of the batch.
    """

    reads = "features"

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, batch: FeatureBatch, random: torch.Generator) -> FeatureBatch:
        noise = torch.randn(batch.features.shape, generator=random, device=batch.features.device)
        return replace(batch, features=batch.features + self.strength * _spread(batch) * noise.to(batch.features))


class ShiftedVariables(RandomView[FeatureBatch]):
    """All variables of all examples moved by the same share of their spread, as by a wrong calibration.

    Parameters
    ----------
    shift : in units of the variable's spread over the examples of the batch.
    """

    reads = "features"

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def __call__(self, batch: FeatureBatch, random: torch.Generator) -> FeatureBatch:
        return replace(batch, features=batch.features + self.shift * _spread(batch))


class SwappedVariables(RandomView[FeatureBatch]):
    """Values replaced by those of other examples, of whatever class: single variables keep their distribution.

    Parameters
    ----------
    probability : of each value.
    """

    reads = "features"

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def __call__(self, batch: FeatureBatch, random: torch.Generator) -> FeatureBatch:
        shape, device = batch.features.shape, batch.features.device
        from_others = torch.rand(shape, generator=random, device=device).argsort(0)
        lost = torch.rand(shape, generator=random, device=device) < self.probability
        return replace(batch, features=torch.where(lost, batch.features.gather(0, from_others), batch.features))


def _spread(batch: FeatureBatch) -> Tensor:
    """Standard deviation of each variable (F,); zero where the batch is of one example."""
    return batch.features.std(0, correction=0)


SPREAD = "of the variable's spread"
CHECKS = (
    Check(
        "variable_smear",
        "noise added to each variable",
        SmearedVariables,
        (0.01, 0.03, 0.1, 0.3),
        f"noise in units {SPREAD}",
        reads="features",
        behind=True,
    ),
    Check(
        "variable_shift",
        "all variables shifted",
        ShiftedVariables,
        (-0.3, -0.1, 0.1, 0.3),
        f"shift in units {SPREAD}",
        reads="features",
        behind=True,
    ),
    Check(
        "variable_swap",
        "values of variables replaced by those of other examples",
        SwappedVariables,
        (0.02, 0.05, 0.1, 0.2, 0.5),
        "probability",
        reads="features",
        behind=True,
    ),
)
