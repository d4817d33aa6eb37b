"""Least-squares GAN and EPiC-GAN: published sizes, losses against their definitions, and a critic of sets."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.losses.least_squares_gan import LeastSquaresGan
from hepexp.models.epic_gan import EPiCGan
from tests.examples import SPEC, random_clouds, random_features
from tests.models.conformance_generators import padded, permuted


def published(**sizes) -> EPiCGan:
    torch.manual_seed(1)
    return EPiCGan(**sizes, n_point_features=3, n_classes=1, n_extras=0)


def bare(batch):
    return replace(batch, extras=batch.extras[:, :0])


def test_both_players_have_the_published_numbers_of_parameters():
    model = published()
    assert sum(p.numel() for p in model.parameters()) == 424_850
    assert sum(p.numel() for p in model.make_critic().parameters()) == 313_170


def test_without_weight_norms_they_have_those_of_the_plain_layers():
    model = published()
    for player, n in ((model, 422_217), (model.make_critic(), 311_337)):
        factors = sum(p.numel() for name, p in player.named_parameters() if name.endswith("original0"))
        assert sum(p.numel() for p in player.parameters()) - factors == n


def test_the_critic_depends_neither_on_the_order_of_points_nor_on_padding():
    critic, batch = published().double().make_critic().double(), bare(random_clouds(6))
    expected = critic(batch)
    assert expected.shape == (6,)
    assert_close(critic(permuted(batch)[0]), expected, rtol=0, atol=1e-12)
    assert_close(critic(padded(batch, 4, float("nan"))), expected, rtol=0, atol=1e-12)


class Half(nn.Module):
    """A critic whose answer is the mean of the first component, and so known."""

    def forward(self, batch):
        return batch.points[:, :, 0].mean(1)


def test_losses_are_their_definitions():
    batch = bare(random_clouds(1, counts=torch.tensor([4])))
    batch.points = torch.full_like(batch.points, 0.8)

    class Constant(nn.Module):
        def noise(self, batch, random=None):
            return ()

        def forward(self, batch, noise):
            return torch.full_like(batch.points, 0.3)

    loss = LeastSquaresGan().eval()
    loss.critic = Half()
    critic = loss.critic_terms(Constant(), batch)
    assert critic["loss"].item() == pytest.approx((0.2**2 + 0.3**2) / 2)
    assert critic["accuracy"].item() == 1.0  # 0.8 is above one half, 0.3 below
    terms, outputs = loss.generator_terms(Constant(), batch)
    assert terms["loss"].item() == pytest.approx(0.7**2 / 2)
    assert outputs["loss"].tolist() == pytest.approx([0.7**2 / 2])


def test_equal_random_numbers_make_equal_clouds():
    model, batch, loss = published(n_hidden=8, n_layers=1), bare(random_clouds(5)), LeastSquaresGan()
    one, same, other = (loss.generate(model, batch, torch.Generator().manual_seed(k)).points for k in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert not one[~batch.mask].any()


def test_a_model_without_a_critic_and_a_rate_of_zero_are_refused():
    with pytest.raises(ConfigError, match=r"needs a generator with a critic, but Half has none; choose model=epic_gan"):
        LeastSquaresGan().prepare(Half(), random_features(1), SPEC)
    with pytest.raises(ConfigError, match=r"loss.critic_lr must be > 0, got 0"):
        LeastSquaresGan(critic_lr=0)
