"""The GAN by cross entropy: losses against their definition, steps of both players, and who may play."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.losses.cross_entropy_gan import CrossEntropyGan
from hepexp.models.hadron_gan import HadronGan
from tests.examples import SPEC, random_features


class Known(nn.Module):
    """A critic whose answer is the first feature."""

    def forward(self, batch):
        return batch.features[:, 0]


class Constant(nn.Module):
    """A generator that makes 0.5 of nothing."""

    def noise(self, batch, random=None):
        return ()

    def forward(self, batch, noise=None):
        return torch.full_like(batch.features, 0.5)


def test_losses_are_their_definitions():
    batch, loss = random_features(6), CrossEntropyGan()
    loss.critic = Known()
    of_critic = loss.critic_terms(Constant(), batch)
    true, false = torch.sigmoid(batch.features[:, 0]), torch.sigmoid(torch.tensor(0.5))
    assert_close(of_critic["loss"], -true.log().mean() - (1 - false).log(), check_dtype=False)
    assert_close(of_critic["accuracy"], ((batch.features[:, 0] > 0).float().mean()) / 2, check_dtype=False)
    terms, outputs = loss.eval().generator_terms(Constant(), batch)
    assert_close(terms["loss"], -false.log(), check_dtype=False)
    assert outputs["loss"].shape == (6,)


def test_a_critic_that_guesses_has_2_ln_2_and_its_generator_ln_2():
    loss = CrossEntropyGan()
    zero = torch.zeros(4, dtype=torch.float64)
    assert float(loss.of_critic(zero, zero)) == pytest.approx(2 * math.log(2), rel=1e-12)
    assert float(loss.of_generator(zero).mean()) == pytest.approx(math.log(2), rel=1e-12)


def test_players_have_their_own_gradients():
    batch, loss = random_features(8), CrossEntropyGan()
    model = HadronGan(widths=[8], critic_widths=[8], n_features=8, n_classes=2, n_extras=batch.extras.shape[1]).double()
    loss.prepare(model, random_features(1), SPEC)
    loss.critic_terms(model, batch)["loss"].backward()
    assert all(p.grad is None for p in model.parameters())
    assert all(p.grad is not None for p in loss.critic.parameters())
    loss.generator_terms(model, batch)[0]["loss"].backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"critic_lr": 0}, "loss.critic_lr must be > 0, got 0"),
        ({"generator_steps": 0}, "loss.generator_steps must be from 1 to 100, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        CrossEntropyGan(**keys)


def test_a_model_without_a_critic_is_refused():
    with pytest.raises(ConfigError, match=r"loss=cross_entropy_gan needs a generator .*; choose model=hadron_gan"):
        CrossEntropyGan().prepare(nn.Linear(8, 8), random_features(1), SPEC)
