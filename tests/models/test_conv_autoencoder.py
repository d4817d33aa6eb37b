"""The autoencoder has the layers of CMS III-e, and gives back images of the size it got."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.conv_autoencoder import ConvAutoencoder
from tests.examples import IMAGE_SHAPE, random_images

DIGIT = (1, 28, 28)


def test_the_document_s_network_has_its_parameters():
    # encoder 1,280 + 73,792 + 9,232 and 16,448 + 2,080 + 2 x 1,056 + 66; decoder the same but for its biases
    with torch.device("meta"):
        model = ConvAutoencoder(image_shape=DIGIT)
    assert sum(p.numel() for p in model.encoder.parameters()) == 105_010
    assert sum(p.numel() for p in model.parameters()) == 210_259


@pytest.mark.parametrize("shape", [DIGIT, (3, 125, 125), (2, 32, 17), (1, 8, 8), (1, 1, 3)])
@pytest.mark.parametrize("hidden", [(64, 32), ()])
def test_a_reconstruction_has_the_image_s_size(shape: tuple[int, int, int], hidden: tuple[int, ...]):
    model = ConvAutoencoder(n_latent=5, widths=(4, 6, 8), hidden=hidden, image_shape=shape)
    z = model.encode(torch.rand(2, *shape))
    assert z.shape == (2, 5)
    assert model.decode(z).shape == (2, *shape)


@pytest.mark.parametrize(("output", "low", "high"), [("sigmoid", 0, 1), ("softplus", 0, float("inf"))])
def test_the_last_layer_keeps_the_range(output: str, low: float, high: float):
    found = ConvAutoencoder(output=output, image_shape=DIGIT).decode(100 * torch.randn(20, 2))
    assert ((found >= low) & (found <= high)).all()


def test_other_images_do_not_matter_and_gradients_reach_every_layer():
    torch.manual_seed(0)
    model = ConvAutoencoder(n_latent=3, widths=(8, 8), hidden=(16,), image_shape=IMAGE_SHAPE).double()
    batch = random_images(6)
    z = model(batch)
    assert_close(model.encode(batch.image[2:3]), z[2:3], rtol=0, atol=1e-12)
    model.decode(z).square().sum().backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())


def test_weights_are_those_of_a_checkpoint(tmp_path):
    model = ConvAutoencoder(image_shape=DIGIT)
    torch.save({"state_dict": {f"model.{k}": v for k, v in model.state_dict().items()}}, tmp_path / "best.ckpt")
    again = ConvAutoencoder(weights=str(tmp_path / "best.ckpt"), image_shape=DIGIT)
    image = torch.rand(2, *DIGIT)
    assert torch.equal(again.encode(image), model.encode(image))


@pytest.mark.parametrize(
    "keys", [{"n_latent": 0}, {"widths": ()}, {"widths": (0,)}, {"hidden": (0,)}, {"output": "tanh"}]
)
def test_values_out_of_range(keys: dict):
    with pytest.raises(ConfigError, match="model"):
        ConvAutoencoder(**keys, image_shape=DIGIT)
