"""The range test: the steepest fall of a known curve, and a rate at which a toy learns."""

import numpy as np
import pytest

from hepexp.errors import ConfigError, HepexpError
from hepexp.learning.rate_range import STEPS, RateRange, check, rate_range
from tests.learning.toy import toy_components

RATES = np.logspace(-6, 0, STEPS)


def test_the_steepest_fall_of_a_sigmoid_in_the_logarithm_is_its_centre():
    curve = RateRange(RATES, 1 / (1 + np.exp(3 * np.log(RATES / 1e-2))))
    assert curve.steepest == pytest.approx(1e-2, rel=0.1)  # neighbouring rates differ by 15 %


def test_a_loss_that_never_falls_gives_no_rate():
    with pytest.raises(HepexpError, match=r"the loss falls at no rate from 1e-06 to 1; set optimizer.lr"):
        _ = RateRange(RATES, np.linspace(1, 2, STEPS)).steepest


def test_the_test_ranges_over_the_rates_and_finds_one_that_is_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = rate_range(toy_components(max_epochs=1))
    assert 20 < len(found.rates) == len(found.losses) <= STEPS
    steps = np.diff(np.log(found.rates))[1:]  # Lightning skips one
    assert steps == pytest.approx(np.full(len(steps), np.log(1e6) / STEPS), rel=1e-6)
    assert 1e-5 < found.steepest < 1
    found.draw(tmp_path / "lr_find.png")
    assert [path.name for path in tmp_path.iterdir()] == ["lr_find.png"]  # and no copy of the weights


def test_a_search_that_has_no_effect_is_refused():
    components = toy_components(lr_find=True)
    with pytest.raises(ConfigError, match=r"trainer.lr_find sets optimizer.lr: leave out optimizer.lr=0.1"):
        check(components, ["model=pfn", "optimizer.lr=0.1"])
    components.trainer.max_epochs = 0
    with pytest.raises(ConfigError, match="this run trains nothing"):
        check(components, [])
