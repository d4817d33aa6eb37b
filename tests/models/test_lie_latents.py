"""Vectors are the latents of turned images: the pair of each image keeps its angle, and all directions are alike."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.conv_autoencoder import ConvAutoencoder
from hepexp.models.layers.rotation import angle_between
from hepexp.models.lie_latents import LieLatents
from tests.images import Centre, spots


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("n_rotations", [4, 12, None])
def test_pairs_are_turned_by_multiples_of_a_step_in_every_direction(n_rotations, training):
    torch.manual_seed(0)
    model = LieLatents(Centre(), n_rotations, unit=8.0).double().train(training)
    z, gz = model.vectors(spots(500)).unbind(1)
    assert_close(z.norm(dim=1), torch.ones(500, dtype=torch.float64), rtol=0, atol=2e-3)  # of the interpolation
    for turn in (
        angle_between(torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(500, 2), z),
        angle_between(z, gz),
    ):
        # no direction is preferred: the mean direction of n angles is below 3 / sqrt(n)
        assert torch.polar(torch.ones_like(turn), turn).mean().abs() < 3 / math.sqrt(500)
        if n_rotations is not None:
            steps = turn / (2 * math.pi / n_rotations)
            assert_close(steps, steps.round(), rtol=0, atol=5e-3)


def test_evaluation_repeats_itself_and_training_draws():
    model = LieLatents(Centre()).double().eval()
    assert torch.equal(model.vectors(spots(20)), model.vectors(spots(20)))
    model.train()
    assert not torch.equal(model.vectors(spots(20)), model.vectors(spots(20)))


def test_only_the_generators_are_trained():
    model = LieLatents(Centre(), n_channels=3).double()
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["generators"]
    model.train()
    assert not model.encoder.dropout.training
    model(spots(8)).square().sum().backward()
    assert model.encoder.scale.grad is None
    assert model.generators.grad.abs().max() > 0


def test_what_is_no_encoder_of_a_plane_is_refused():
    with pytest.raises(ConfigError, match=r"model\.encoder must be an autoencoder of images, not Linear"):
        LieLatents(nn.Linear(2, 2))
    line = LieLatents(ConvAutoencoder(n_latent=1, image_shape=(1, 32, 32)).double())
    with pytest.raises(ConfigError, match="two latent variables or more, got 1"):
        line.check(spots(1))


@pytest.mark.parametrize("keys", [{"n_rotations": 1}, {"unit": 0.0}, {"n_channels": 5}])
def test_values_out_of_range(keys):
    with pytest.raises(ConfigError, match=f"model.{next(iter(keys))} must be"):
        LieLatents(Centre(), **keys)
