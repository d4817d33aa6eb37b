"""VGG-12: the count of CMS II, and what it must not do."""

from dataclasses import replace

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.vgg12 import VGG12
from tests.examples import IMAGE_SHAPE, random_images


def vgg12(image_shape=IMAGE_SHAPE, **keys) -> VGG12:
    torch.manual_seed(0)
    return VGG12(**keys, image_shape=image_shape, n_classes=2).eval()


def test_the_number_of_parameters_is_that_of_the_document():
    with torch.device("meta"):
        model = vgg12((3, 125, 125))
    assert model.classifier[0].in_features == 25_088
    assert sum(p.numel() for p in model.parameters()) == 9_241_090


@pytest.mark.parametrize("size", [1, 8, 31, 125])
def test_images_of_any_size_are_read(size: int):
    batch = replace(random_images(2), image=torch.rand(2, 3, size, size))
    assert vgg12((3, size, size))(batch).shape == (2, 2)


def test_logits_take_both_signs():
    """A ReLU after the last layer, as in the code of CMS II, would lose half of them."""
    logits = vgg12()(random_images(8))
    assert logits.min() < 0 < logits.max()


def test_dropout_acts_in_training_alone():
    model, batch = vgg12(), random_images(4)
    assert torch.equal(model(batch), model(batch))
    assert not torch.equal(model.train()(batch), model(batch))


def test_the_signal_keeps_its_size_through_the_convolutions():
    """He initialisation; torch's own weights would divide the mean square by about six at each of the layers."""
    x = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    convolved = [x := layer(x) for layer in vgg12((3, 48, 48)).features]
    sizes = [x.square().mean() for x in convolved if x.dim() == 4]
    assert 0.2 < sizes[-1] / sizes[0] < 50


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_hidden": 0}, "model.n_hidden must be > 0, got 0"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_what_cannot_be_built_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        vgg12(**keys)
