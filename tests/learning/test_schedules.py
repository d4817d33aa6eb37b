import math

import pytest
import torch
from torch.optim.lr_scheduler import MultiStepLR, OneCycleLR

from hepexp.learning.schedules import SCHEDULES, cosine, multi_step, one_cycle, warmup_restarts


def published(epochs=35):
    return [warmup_restarts(epoch / epochs) for epoch in range(epochs)]


def test_35_epochs_have_the_published_rates():
    factors = published()
    assert factors[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert [factors[start] for start in (4, 8, 16)] == pytest.approx(
        [1.0, 1.0, 1.0]
    )  # a cosine cycle starts at the peak
    assert factors[10] == pytest.approx(0.5 * (1 + math.cos(math.pi * 2 / 8)))
    assert [factors[33] / factors[32], factors[34] / factors[33]] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("steps", [7, 35, 1000])
def test_a_shorter_training_has_the_same_shape(steps):
    for step in range(steps):
        assert warmup_restarts(step / steps) == published()[math.floor(35 * step / steps + 1e-9)]


def test_flat_decay_goes_to_a_hundredth_in_the_last_three_tenths():
    rates = [SCHEDULES["flat_decay"](progress) for progress in (0.0, 0.7, 0.85, 1.0)]
    assert rates == pytest.approx([1, 1, 0.1, 0.01])


def test_warmup_cosine_rises_in_a_twentieth_of_the_training():
    rates = [SCHEDULES["warmup_cosine"](progress) for progress in (0.0, 0.025, 0.05, 0.525, 1.0)]
    assert rates == pytest.approx([0.1, 0.55, 1, 0.5, 0])


def test_cosine_goes_from_one_to_zero():
    assert [cosine(p) for p in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])


def rates_of(scheduler, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return rates


def sgd() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


@pytest.mark.parametrize("steps", [10, 140])
def test_one_cycle_is_that_of_torch(steps: int):
    """torch counts its peak and its last step as reached one step earlier, which another length and share undo."""
    theirs = OneCycleLR(sgd(), 1.0, total_steps=steps + 1, pct_start=(0.3 * steps + 1) / (steps + 1))
    assert [one_cycle(step / steps) for step in range(steps)] == pytest.approx(rates_of(theirs, steps), rel=1e-9)


@pytest.mark.parametrize("milestones", [(0.5, 0.75), (0.3,), (0.1, 0.1, 0.9)])
def test_multi_step_is_that_of_torch(milestones):
    theirs = MultiStepLR(sgd(), [round(60 * m) for m in milestones], gamma=0.2)
    ours = [multi_step(step / 60, milestones, 0.2) for step in range(60)]
    assert ours == pytest.approx(rates_of(theirs, 60), rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_factor_is_above_one_or_below_zero(name):
    assert all(0 <= SCHEDULES[name](step / 500) <= 1 for step in range(501))
