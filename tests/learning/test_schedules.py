import math

import pytest

from hepexp.learning.schedules import SCHEDULES, cosine, warmup_restarts


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


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_factor_is_above_one_or_below_zero(name):
    assert all(0 <= SCHEDULES[name](step / 500) <= 1 for step in range(501))
