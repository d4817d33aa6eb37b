"""A classifier of the latents of turned images, and the flows that leave it unchanged."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses.latent_flow import LatentFlow as Loss
from hepexp.models.image_latent_flow import ImageLatentFlow
from hepexp.models.latent_classifier import LatentClassifier
from hepexp.models.mlp import MLP
from tests.images import Centre, spot, spots


class Radius(nn.Module):
    """Logits (0, |z|^2 - 1), which no rotation changes."""

    def forward(self, z):
        radius2 = z.square().sum(1)
        return torch.stack([torch.zeros_like(radius2), radius2 - 1], dim=1)


def classifier(**keys) -> LatentClassifier:
    torch.manual_seed(0)
    return LatentClassifier(Centre(), unit=8.0, n_classes=2, **keys).double()


def two_radii(n: int):
    """Spots 8 and 4 pixels from the centre, in two classes."""
    batch = spots(n)
    near = spot(32, 32, 4, 0).expand(n, 1, 32, 32)
    return replace(batch, image=torch.where((batch.label == 1)[:, None, None, None], near, batch.image))


def test_latents_are_those_of_images_in_all_directions():
    model = classifier(n_rotations=None).eval()
    z = model.latents(two_radii(400))
    assert_close(z.norm(dim=1), 1 - torch.arange(400) % 2 / 2, rtol=0, atol=2e-3, check_dtype=False)
    assert z[::2].mean(0).norm() < 3 / 200**0.5
    assert torch.equal(z, model.latents(two_radii(400)))
    assert not torch.equal(z, model.train().latents(two_radii(400)))


def test_only_the_layers_behind_the_encoder_are_trained():
    model = classifier().train()
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 4_482  # 192 + 4,160 + 130
    assert not model.encoder.dropout.training
    model(spots(4)).square().sum().backward()
    assert model.encoder.scale.grad is None


def test_its_weights_hold_the_encoder(tmp_path):
    first, second = classifier(), classifier()
    with torch.no_grad():
        for p in first.parameters():
            p.add_(0.1)
    torch.save(first.state_dict(), tmp_path / "w.pt")
    loaded = LatentClassifier(Centre(), unit=8.0, n_classes=2, weights=str(tmp_path / "w.pt")).double().eval()
    x = two_radii(6)
    assert_close(loaded(x), first.float().double().eval()(x), rtol=0, atol=1e-5)
    assert (loaded(x) - second.eval()(x)).abs().max() > 1e-3


def test_the_rotation_of_the_plane_leaves_an_oracle_of_the_radius_unchanged():
    oracle = classifier()
    oracle.layers = nn.Sequential(nn.Linear(2, 2, dtype=torch.float64), Radius())
    nn.init.eye_(oracle.layers[0].weight)
    nn.init.zeros_(oracle.layers[0].bias)
    model = ImageLatentFlow(oracle, n_channels=2).double().eval()
    with torch.no_grad():
        model.fields.generators.copy_(torch.tensor([[[0.0, -1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]))
    batch, loss = two_radii(64), Loss(compare_with="so2")
    loss.prepare(model, batch, DataSpec(("a", "b"), image_shape=(1, 32, 32)))
    loss.double().see(model, [batch])
    outputs = loss.eval().outputs(model, batch)
    rotation, dilation = outputs["along2"].unbind(1)
    z = model.points(batch)
    assert_close(rotation, torch.zeros_like(rotation))
    assert_close(dilation, (2 * z.square().sum(1)).square())  # (d|z|^2 . z)^2
    assert_close(outputs["change"][:, 0], torch.zeros(64, dtype=torch.float64))


def test_in_training_the_images_turn_and_the_oracle_stays_frozen():
    model = ImageLatentFlow(classifier()).double().train()
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["fields.generators"]
    assert not model.oracle.encoder.dropout.training
    assert not torch.equal(model.points(spots(20)), model.points(spots(20)))
    model.eval()
    assert torch.equal(model.points(spots(20)), model.points(spots(20)))


def test_what_is_no_encoder_or_oracle_is_refused():
    with pytest.raises(ConfigError, match=r"model\.encoder must be an autoencoder of images, not Linear"):
        LatentClassifier(nn.Linear(2, 2), n_classes=2)
    with pytest.raises(ConfigError, match=r"model\.oracle must classify latent variables, .* not MLP"):
        ImageLatentFlow(MLP(n_features=2, n_classes=2))
    with pytest.raises(ConfigError, match=r"model\.n_rotations must be >= 2"):
        classifier(n_rotations=1)
