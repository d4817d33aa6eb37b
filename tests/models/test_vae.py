"""The autoencoder has the layers of ML4SCI 2025, and gives back images of the size it got."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.vae import VAE


def test_the_document_s_network_has_its_parameters():
    with torch.device("meta"):
        model = VAE(image_shape=(3, 128, 128))
    assert sum(p.numel() for p in model.parameters()) == 101_461_763


@pytest.mark.parametrize("shape", [(3, 125, 125), (1, 28, 28), (2, 32, 17)])
def test_a_reconstruction_has_the_image_s_size(shape: tuple[int, int, int]):
    model = VAE(n_latent=5, widths=(4, 6, 8, 8), image_shape=shape).eval()
    mean, logvar = model.encode(torch.rand(2, *shape))
    assert mean.shape == logvar.shape == (2, 5)
    assert model.decode(mean).shape == (2, *shape)


def test_energies_are_not_negative_and_other_images_do_not_matter():
    model = VAE(n_latent=5, widths=(4, 6), image_shape=(1, 12, 12)).double().eval()
    batch = torch.rand(4, 1, 12, 12, dtype=torch.float64)
    together = model.decode(model.encode(batch)[0])
    assert (together >= 0).all()
    assert_close(model.decode(model.encode(batch[:1])[0]), together[:1], rtol=0, atol=1e-10)


def test_the_output_of_a_batch_is_the_latent_mean():
    model = VAE(n_latent=5, widths=(4, 6), image_shape=(1, 12, 12)).eval()
    image = torch.rand(3, 1, 12, 12)
    assert_close(model(type("Batch", (), {"image": image})()), model.encode(image)[0])


@pytest.mark.parametrize("keys", [{"n_latent": 0}, {"widths": ()}, {"widths": (0,)}, {"output": "relu"}])
def test_values_out_of_range(keys: dict):
    with pytest.raises(ConfigError):
        VAE(**keys, image_shape=(1, 16, 16))
