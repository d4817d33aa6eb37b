"""Optimisers: their steps by their papers' equations, and what they refuse."""

import math

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.interrupts import Interrupts
from hepexp.learning.fit import fit
from hepexp.learning.optimizers import SGD, Adam, AdamW
from tests.learning.toy import toy_components


def after_one_step(options, start: float = 2.0, gradient: float = 0.3) -> float:
    x = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    optimizer, _ = options.build([x], total_steps=10)
    x.grad = torch.tensor([gradient], dtype=torch.float64)
    optimizer.step()
    return x.item()


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    for gradient in (1e-3, 0.3, 50.0):
        assert after_one_step(Adam(lr=0.1), gradient=gradient) == pytest.approx(2.0 - 0.1, rel=1e-5)


def test_weight_decay_is_part_of_adams_gradient_but_not_of_adamws():
    """Without a gradient, Adam's L2 term makes a whole step; AdamW shrinks the weight by lr x decay."""
    assert after_one_step(Adam(lr=0.1, weight_decay=0.01), gradient=0.0) == pytest.approx(1.9, rel=1e-5)
    adamw = AdamW(lr=0.1, weight_decay=0.01, schedule="constant")
    assert after_one_step(adamw, gradient=0.0) == pytest.approx(2.0 * (1 - 0.1 * 0.01))


def test_sgd_follows_the_gradient():
    assert after_one_step(SGD(lr=0.1)) == pytest.approx(2.0 - 0.1 * 0.3)


@pytest.mark.parametrize(("mode", "better"), [("min", 0.5), ("max", 2.0)])
def test_a_plateau_of_four_epochs_halves_the_rate(mode, better):
    optimizer, scheduler = Adam(lr=0.1, schedule="plateau").build([torch.zeros(1, requires_grad=True)], 10, mode)
    rates = []
    for value in (1.0, 1.0, 1.0, 1.0, better, better, better, better, better):
        scheduler.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [0.1] * 8 + [0.05]


def test_a_training_that_stands_still_halves_its_rate(folder):
    """Steps of 1e-7 leave the monitored AUC as it is: the fifth epoch ends the plateau's patience."""
    components = toy_components(max_epochs=6)
    components.module.model.layers[1].momentum = 0.0  # running statistics would move it too
    components.module.optimizer = Adam(lr=1e-7, schedule="plateau")
    rows = fit(components, folder, Interrupts(), lambda row, epoch: None).history.rows
    assert [row["val/auc"] for row in rows] == [rows[0]["val/auc"]] * 6
    assert [row["train/lr"] for row in rows] == [1e-7] * 5 + [5e-8]


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("betas", [[0.9], [0.9, 1.0], [-0.1, 0.9]])
def test_betas_that_are_no_decays_are_refused(kind, betas):
    with pytest.raises(ConfigError, match=r"optimizer.betas must be two numbers in \[0, 1\), got"):
        kind(betas=betas)


def test_milestones_are_fractions_of_the_training():
    options = SGD(lr=0.1, schedule="multi_step", milestones=[0.2, 0.6], milestone_factor=0.5)
    optimizer, scheduler = options.build([torch.zeros(1, requires_grad=True)], total_steps=5)
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.1, 0.05, 0.05, 0.025, 0.025])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"milestones": [0.5]}, "optimizer.milestones is of optimizer.schedule=multi_step, got constant"),
        ({"milestone_factor": 0.5}, "optimizer.milestone_factor is of optimizer.schedule=multi_step, got constant"),
        (
            {"schedule": "multi_step", "milestones": [0.5, 30]},
            "optimizer.milestones must be fractions of the training, between 0 and 1, got [0.5, 30]",
        ),
        (
            {"schedule": "multi_step", "milestones": []},
            "optimizer.milestones must be fractions of the training, between 0 and 1, got []",
        ),
        (
            {"schedule": "multi_step", "milestone_factor": 2.0},
            "optimizer.milestone_factor must be between 0 and 1, got 2.0",
        ),
    ],
)
def test_milestones_without_a_meaning_are_refused(keys, message):
    with pytest.raises(ConfigError) as error:
        SGD(**keys)
    assert str(error.value) == message


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_what_makes_no_step_is_refused(kind):
    with pytest.raises(ConfigError, match=r"optimizer.lr must be > 0, got 0"):
        kind(lr=0.0)
    with pytest.raises(ConfigError, match=r"optimizer.weight_decay must be >= 0, got -1"):
        kind(weight_decay=-1.0)
    with pytest.raises(ConfigError, match=r"optimizer.schedule must be one of constant, .* got 'sine'"):
        kind(schedule="sine")


def test_the_recorded_rate_is_that_of_the_steps_of_the_epoch(folder):
    """Half a cosine over 12 steps, 6 an epoch; after the last step it is zero, which no step has used."""
    components = toy_components(max_epochs=2)
    components.module.optimizer = SGD(lr=0.1, schedule="cosine")
    rows = fit(components, folder, Interrupts(), lambda row, epoch: None).history.rows
    used = [0.05 * (1 + math.cos(math.pi * k / 12)) for k in range(12)]
    assert [row["train/lr"] for row in rows] == pytest.approx([sum(used[:6]) / 6, sum(used[6:]) / 6])
