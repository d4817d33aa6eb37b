"""Weights of examples: an example of weight 2 equals the example twice, in every loss that takes weights."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, JetBatch, Target
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.regression import Huber, MeanSquaredError, Quantile
from hepexp.losses.regression_with_sigma import GaussianNll
from hepexp.losses.weighted import weighted_mean
from tests.jets import random_jets

TARGETS = (Target("mass", mean=80.0, std=20.0), Target("pt", mean=500.0, std=30.0))
SPEC = DataSpec(("background", "signal"), targets=TARGETS)
LOSSES = [CrossEntropy, MeanSquaredError, Huber, GaussianNll, Quantile]


class Linear(nn.Module):
    """A linear function of the sum of four-momenta."""

    def __init__(self, n_outputs: int):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, n_outputs, dtype=torch.float64)

    def forward(self, batch: JetBatch) -> torch.Tensor:
        return self.layer(batch.p4.sum(1) / 100)


def jets() -> JetBatch:
    batch = random_jets()
    generator = torch.Generator().manual_seed(1)
    target = torch.tensor([80.0, 500.0]) + torch.tensor([20.0, 30.0]) * torch.randn(len(batch), 2, generator=generator)
    return replace(batch, target=target)


def rows(batch: JetBatch, chosen: list[int]) -> JetBatch:
    return replace(batch, **{name: value[chosen] for name, value in batch.tensors().items()})


def loss_and_gradient(objective, batch: JetBatch) -> tuple[torch.Tensor, torch.Tensor]:
    model = Linear(objective.n_outputs(SPEC))
    objective.prepare(model, rows(batch, [0]), SPEC)
    objective.double()
    terms, _ = objective.terms(model, batch)
    terms["loss"].backward()
    return terms["loss"].detach(), model.layer.weight.grad


@pytest.mark.parametrize("loss", LOSSES)
def test_an_example_of_weight_two_equals_the_example_twice(loss):
    batch = jets()
    weight = torch.ones(len(batch))
    weight[3] = 2
    assert_close(
        loss_and_gradient(loss(), replace(batch, weight=weight)),
        loss_and_gradient(loss(), rows(batch, [*range(len(batch)), 3])),
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_weights_change_nothing_and_weight_zero_leaves_out(loss):
    batch = jets()
    assert_close(
        loss_and_gradient(loss(), replace(batch, weight=torch.full((len(batch),), 0.3))),
        loss_and_gradient(loss(), batch),
    )
    weight = torch.ones(len(batch))
    weight[0] = 0
    without = rows(batch, list(range(1, len(batch))))
    assert_close(loss_and_gradient(loss(), replace(batch, weight=weight)), loss_and_gradient(loss(), without))


def test_a_negative_weight_subtracts_and_the_divisor_stays_positive():
    each = torch.tensor([1.0, 2.0, 4.0])
    assert weighted_mean(each, torch.tensor([1.0, 1.0, -1.0])).item() == pytest.approx(-1 / 3)
    assert weighted_mean(each, torch.tensor([1.0, -1.0, 0.0])).item() == pytest.approx(-0.5)
    assert weighted_mean(each, torch.zeros(3)).item() == 0
    assert weighted_mean(each, None).item() == pytest.approx(7 / 3)
