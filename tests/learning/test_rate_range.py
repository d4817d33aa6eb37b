"""The range test: the largest stable rate of a known curve, and a rate at which a toy learns."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pytorch_lightning.tuner.lr_finder import _LRCallback

from hepexp.errors import ConfigError, HepexpError
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import AdamW
from hepexp.learning.rate_range import STEPS, RateRange, check, each_loss, rate_range
from tests.learning.toy import ToyModel, ToyObjective, toy_components

RATES = np.logspace(-6, 0, STEPS)


def test_a_tenth_of_the_largest_stable_rate_is_chosen():
    """The loss falls from 0.7 to 0.5, and is above 0.7 from a rate of 0.1 on."""
    losses = np.interp(np.log10(RATES), [-4, -2, -1.3, -1, 0], [0.7, 0.5, 0.5, 0.7, 5.0])
    noise = 0.001 * np.random.default_rng(0).standard_normal(STEPS)
    assert RateRange(RATES, losses + noise).chosen == pytest.approx(1e-2, rel=0.4)  # neighbours differ by 15 %


def test_a_loss_that_always_grows_gives_no_rate():
    with pytest.raises(HepexpError, match=r"the loss grows at every rate up to 1; set optimizer.lr"):
        _ = RateRange(RATES, np.append(np.full(10, 0.7), np.full(STEPS - 10, 5.0))).chosen


def test_the_losses_are_those_of_which_lightning_gives_running_means():
    callback = _LRCallback(num_training=STEPS)
    losses = [0.7, 0.5, 0.9, 0.4]
    trainer = SimpleNamespace(
        accumulate_grad_batches=1,
        fit_loop=SimpleNamespace(batch_idx=0),
        strategy=SimpleNamespace(broadcast=bool),
        should_stop=False,
    )
    for step, loss in enumerate(losses, start=1):
        trainer.global_step = step
        callback.on_train_batch_end(trainer, None, torch.tensor(loss), None, 0)
    assert each_loss(np.array([*callback.losses, np.nan, 1.0])) == pytest.approx(losses, rel=1e-5)


def test_the_test_ranges_over_the_rates_and_finds_one_that_is_drawn(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    found = rate_range(toy_components(max_epochs=1))
    assert "Finding best" not in "".join(capfd.readouterr())  # a bar, which belongs on a terminal
    assert 20 < len(found.rates) == len(found.losses) <= STEPS
    steps = np.diff(np.log(found.rates))[1:]  # Lightning skips one
    assert steps == pytest.approx(np.full(len(steps), np.log(1e6) / STEPS), rel=1e-6)
    assert 1e-5 < found.chosen < 1
    found.draw(tmp_path / "lr_find.png")
    assert [path.name for path in tmp_path.iterdir()] == ["lr_find.png"]  # and no copy of the weights


def test_layers_range_over_rates_times_their_factors(tmp_path, monkeypatch):
    """A first step of Adam moves each parameter by its rate."""
    monkeypatch.chdir(tmp_path)
    components, steps = toy_components(max_epochs=1, precision="64-true"), []
    optimizer = AdamW(lr=1e-2, weight_decay=0.0, lr_factor={"layers.0": 0.01})
    module = components.module = ExperimentModule(ToyModel(), ToyObjective(), optimizer, seed=1)

    def keep(*_):
        steps.append({name: parameter.detach().clone() for name, parameter in module.named_parameters()})

    module.on_train_batch_start, begin = lambda *args: (keep(), begin(*args)), module.on_train_batch_start
    rate_range(components)
    moved = {name: (steps[1][name] - steps[0][name]).abs().max().item() for name in steps[0]}
    assert moved["model.layers.4.bias"] == pytest.approx(1e-6, rel=0.02)
    assert moved["model.layers.0.weight"] == pytest.approx(1e-8, rel=0.02)


def test_a_search_that_has_no_effect_is_refused():
    components = toy_components(lr_find=True)
    with pytest.raises(ConfigError, match=r"trainer.lr_find sets optimizer.lr: leave out optimizer.lr=0.1"):
        check(components, ["model=pfn", "optimizer.lr=0.1"])
    components.trainer.max_epochs = 0
    with pytest.raises(ConfigError, match="this run trains nothing"):
        check(components, [])
