"""Optimisers: their steps by their papers' equations, and what they refuse."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.learning.optimizers import SGD, Adam, AdamW


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


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("betas", [[0.9], [0.9, 1.0], [-0.1, 0.9]])
def test_betas_that_are_no_decays_are_refused(kind, betas):
    with pytest.raises(ConfigError, match=r"optimizer.betas must be two numbers in \[0, 1\), got"):
        kind(betas=betas)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_what_makes_no_step_is_refused(kind):
    with pytest.raises(ConfigError, match=r"optimizer.lr must be > 0, got 0"):
        kind(lr=0.0)
    with pytest.raises(ConfigError, match=r"optimizer.weight_decay must be >= 0, got -1"):
        kind(weight_decay=-1.0)
    with pytest.raises(ConfigError, match=r"optimizer.schedule must be one of constant, .* got 'sine'"):
        kind(schedule="sine")
