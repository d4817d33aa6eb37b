"""The evidence lower bound against its closed forms."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses.elbo import Elbo, divergence
from hepexp.models.vae import VAE

G = torch.Generator().manual_seed(1)
IMAGE = torch.rand(8, 2, 16, 16, generator=G, dtype=torch.float64) * (torch.rand(8, 2, 16, 16, generator=G) < 0.3)


def batch(image: torch.Tensor):
    return type("Batch", (), {"image": image, "__len__": lambda self: len(image)})()


def ready(**keys) -> tuple[Elbo, VAE]:
    torch.manual_seed(0)
    model = VAE(n_latent=4, widths=(4, 8), image_shape=(2, 16, 16)).double()
    objective = Elbo(**keys)
    objective.prepare(model, batch(IMAGE[:1]), DataSpec(("a", "b")))
    return objective, model


def test_the_divergence_is_that_of_two_normal_distributions():
    mean, logvar = torch.randn(2, 6, 3, generator=G, dtype=torch.float64)
    expected = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(torch.zeros_like(mean), 1.0))
    assert_close(divergence(mean, logvar), expected)
    assert_close(divergence(torch.zeros(1), torch.zeros(1)), torch.zeros(1))


def test_the_first_term_is_the_likelihood_with_the_variance_that_is_most_likely():
    objective, model = ready(beta=0.0)
    objective.eval(), model.eval()
    terms, _ = objective.terms(model, batch(IMAGE))
    reconstruction = model.decode(model.encode(IMAGE)[0])
    variance = (IMAGE - reconstruction).square().mean((0, 2, 3), keepdim=True)
    expected = -Normal(reconstruction, variance.sqrt()).log_prob(IMAGE).sum((1, 2, 3)).mean()
    assert_close(terms["loss"], expected)
    for factor in (0.9, 1.1):
        assert -Normal(reconstruction, (factor * variance).sqrt()).log_prob(IMAGE).sum((1, 2, 3)).mean() > expected


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_the_loss_of_an_image_is_its_own_likelihood_and_divergence(weight):
    objective, model = ready(occupied_weight=weight)
    objective.eval(), model.eval()
    terms, outputs = objective.terms(model, batch(IMAGE))
    assert_close(outputs["loss"].mean(), terms["loss"].detach())
    if weight == 1:
        mean, logvar = model.encode(IMAGE)
        reconstruction = model.decode(mean)
        spread = (IMAGE - reconstruction).square().mean((0, 2, 3), keepdim=True).sqrt()
        nll = -Normal(reconstruction, spread).log_prob(IMAGE).sum((1, 2, 3))
        assert_close(outputs["loss"], (nll + divergence(mean, logvar).sum(1)).detach())


def test_beta_weighs_the_divergence():
    found = []
    for beta in (0.0, 2.0):
        objective, model = ready(beta=beta)
        objective.eval(), model.eval()
        found.append(objective.terms(model, batch(IMAGE))[0])
    assert_close(found[1]["loss"] - found[0]["loss"], 2 * found[0]["kl"])


def test_the_baseline_is_the_mean_of_the_training_images():
    objective, model = ready()
    objective.train(), model.train()
    for part in IMAGE.split(3):
        objective.terms(model, batch(part))
    assert_close(objective.baseline.mean, IMAGE.mean(0))
    objective.eval(), model.eval()
    outputs = objective.outputs(model, batch(IMAGE))
    assert_close(outputs["baseline_mse"], (IMAGE - IMAGE.mean(0)).square().mean((2, 3)))


def test_training_brings_the_reconstruction_below_the_baseline():
    objective, model = ready(beta=0.01)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        objective.terms(model, batch(IMAGE))[0]["loss"].backward()
        optimizer.step()
    model.eval()
    outputs = objective.outputs(model, batch(IMAGE))
    assert outputs["mse"].mean() < 0.7 * outputs["baseline_mse"].mean()


def test_an_empty_image_has_a_finite_loss():
    objective, model = ready()
    terms, _ = objective.terms(model, batch(torch.zeros(4, 2, 16, 16, dtype=torch.float64)))
    terms["loss"].backward()
    assert math.isfinite(terms["loss"].item())


@pytest.mark.parametrize("keys", [{"beta": -1.0}, {"occupied_weight": 0.5}])
def test_values_out_of_range(keys: dict):
    with pytest.raises(ConfigError, match="loss needs"):
        Elbo(**keys)


def test_the_gallery_shows_the_images_with_their_labels():
    objective, model = ready()
    shown = type("Batch", (), {"image": IMAGE, "label": torch.arange(8)})()
    model.eval()
    gallery = objective.gallery(model, shown)
    assert_close(gallery["input"], IMAGE[:6])
    assert_close(gallery["label"], torch.arange(6))
    assert gallery["reconstruction"].shape == gallery["prior"].shape == gallery["input"].shape


def test_pixels_that_are_not_empty_are_counted():
    objective, model = ready()
    model.eval()
    assert_close(objective.outputs(model, batch(IMAGE))["occupancy"], (IMAGE > 0).sum((2, 3)))
