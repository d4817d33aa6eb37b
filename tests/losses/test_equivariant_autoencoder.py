"""A latent plane that turns with the image has no equivariance term, whatever the turn; any other has one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, ImageBatch
from hepexp.errors import ConfigError
from hepexp.losses.elbo import Elbo
from hepexp.losses.equivariant_autoencoder import EquivariantAutoencoder
from hepexp.models.conv_autoencoder import ConvAutoencoder
from tests.images import centre, spot

SPEC = DataSpec(("1", "2"), image_shape=(1, 40, 40))


def images(n: int = 24) -> ImageBatch:
    """Spots off the centre."""
    g = torch.Generator().manual_seed(2)
    places = 4 + 5 * torch.rand(n, 2, generator=g, dtype=torch.float64)
    image = torch.cat([spot(40, 40, *place) for place in places.tolist()])
    index = torch.arange(n)
    return ImageBatch(label=index % 2, index=index, extras=torch.zeros(n, 0), image=image)


class Centre(nn.Module):
    """z is where the spot is: it turns with the image. `flip` looks at it in a mirror, where it turns backwards."""

    def __init__(self, flip: float = 1.0):
        super().__init__()
        self.flip = torch.tensor([1.0, flip])

    def forward(self, batch: ImageBatch) -> torch.Tensor:
        return centre(batch.image) * self.flip

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(z), 1, 40, 40, dtype=z.dtype)


def ready(model: nn.Module, **keys) -> EquivariantAutoencoder:
    objective = EquivariantAutoencoder(**keys)
    objective.prepare(model, images(1), SPEC)
    return objective.eval()


@pytest.mark.parametrize("n_rotations", [2, 4, 12, 7])
def test_a_plane_that_turns_has_no_term_at_any_turn(n_rotations: int):
    model = Centre()
    terms, outputs = ready(model, n_rotations=n_rotations).terms(model, images())
    assert set(outputs["turn_deg"].round(decimals=6).tolist()) == {
        round(k * 360 / n_rotations, 6) for k in range(n_rotations)
    }
    assert terms["equivariance"] < 1e-6
    assert_close(outputs["loss"], (outputs["mse"] + outputs["turned_mse"]).mean(1), atol=1e-6, rtol=0)
    assert outputs["angle_error_deg"].max() < 0.05  # of the interpolation


def test_a_plane_that_turns_backwards_is_off_by_twice_the_turn():
    model = Centre(flip=-1.0)
    terms, outputs = ready(model).terms(model, images())
    turn = outputs["turn_deg"].deg2rad()
    assert_close(terms["equivariance"], (1 - (2 * turn).cos()).mean(), rtol=0, atol=1e-4)
    off = torch.atan2((2 * turn).sin(), (2 * turn).cos()).abs().rad2deg()
    assert_close(outputs["angle_error_deg"], off, rtol=0, atol=0.05)


def test_lengths_count_unless_the_angle_alone_is_asked_for():
    class Stretched(Centre):
        """The latent of an image is the longer the further right its spot is."""

        def forward(self, batch):
            z = super().forward(batch)
            return z * (0.05 * z[:, :1]).exp()

    model = Stretched()
    terms, outputs = ready(model, lengths=False).terms(model, images())
    assert terms["equivariance"] < 1e-6
    terms, outputs = ready(model).terms(model, images())
    z, gz = (outputs[name].norm(dim=1) for name in ("embedding", "turned_embedding"))
    assert_close(terms["equivariance"], (1 - 2 * z * gz / (z**2 + gz**2)).mean(), rtol=0, atol=1e-6)
    assert terms["equivariance"] > 0.05


def test_the_loss_is_the_sum_of_its_terms_and_the_weight_counts():
    model, batch = Centre(flip=-1.0), images()
    for weight in (0.0, 2.5):
        terms, outputs = ready(model, equivariance_weight=weight).terms(model, batch)
        assert_close(terms["reconstruction"], batch.image.square().mean())
        assert_close(terms["turned_reconstruction"], outputs["turned_mse"].mean())
        parts = terms["reconstruction"] + terms["turned_reconstruction"] + weight * terms["equivariance"]
        assert_close(terms["loss"], parts)


def test_turns_are_drawn_in_training_and_repeat_in_the_test():
    model = Centre()
    objective = ready(model)
    batch = images()
    assert_close(objective.angles(batch), (batch.index % 12).double() * math.pi / 6)
    objective.train()
    drawn = {tuple(objective.angles(batch).tolist()) for _ in range(5)}
    assert len(drawn) == 5


def test_the_baselines_are_the_mean_training_images():
    model = Centre()
    objective = ready(model, n_rotations=2)
    objective.train()
    for seed in range(3):
        torch.manual_seed(seed)
        objective.terms(model, images())
    assert_close(objective.upright.mean, images().image.mean(0))
    outputs = objective.eval().outputs(model, images())
    assert_close(outputs["baseline_mse"], (images().image - images().image.mean(0)).square().mean((2, 3)))
    assert (outputs["turned_baseline_mse"] > 0).all()


def test_training_makes_the_plane_turn():
    torch.manual_seed(0)
    batch = images(48)
    model = ConvAutoencoder(widths=(4, 8), hidden=(16,), image_shape=(1, 40, 40)).double()
    objective = ready(model, n_rotations=4).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        objective.terms(model, batch)[0]["loss"].backward()
        optimizer.step()
    assert objective.eval().outputs(model, batch)["angle_error_deg"].mean() < 15


def test_an_empty_image_has_finite_gradients():
    model = ConvAutoencoder(widths=(4,), hidden=(), image_shape=(1, 40, 40)).double()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)  # z = 0 has no direction
    objective = ready(model).train()
    terms, _ = objective.terms(model, images())
    terms["loss"].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_a_model_that_is_no_autoencoder_of_a_plane_is_refused():
    with pytest.raises(ConfigError, match="needs an autoencoder, not Linear"):
        EquivariantAutoencoder().prepare(nn.Linear(2, 2), images(1), SPEC)
    line = ConvAutoencoder(n_latent=1, image_shape=(1, 40, 40)).double()
    with pytest.raises(ConfigError, match=r"needs model\.n_latent >= 2, ConvAutoencoder has 1"):
        EquivariantAutoencoder().prepare(line, images(1), SPEC)
    with pytest.raises(ConfigError, match="needs a variational autoencoder of images, not ConvAutoencoder"):
        Elbo().prepare(line, images(1), SPEC)


@pytest.mark.parametrize("keys", [{"n_rotations": 1}, {"equivariance_weight": -1.0}])
def test_values_out_of_range(keys: dict):
    with pytest.raises(ConfigError, match="loss needs"):
        EquivariantAutoencoder(**keys)
