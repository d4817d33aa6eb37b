"""ResNet-15: the count of CMS I, the paper's depth, and what the layers promise."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from hepexp.errors import ConfigError
from hepexp.models.resnet15 import ResNet15, basic, bottleneck
from tests.examples import random_images

CROP = (2, 32, 32)
DOCUMENT = {"variant": "cms_1", "upsample": 304}


def resnet15(image_shape=CROP, **keys) -> ResNet15:
    torch.manual_seed(0)
    return ResNet15(**keys, image_shape=image_shape, n_classes=2).eval()


def images(*shape: int):
    return replace(random_images(shape[0]), image=torch.rand(*shape, generator=torch.Generator().manual_seed(0)))


def operations(model: ResNet15) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.to("meta")(images(1, *CROP).to("meta"))
    return counter.get_total_flops()


def test_the_documents_form_has_its_number_of_parameters():
    model = resnet15(**DOCUMENT)
    assert model.classifier.in_features == 12_800
    assert sum(p.numel() for p in model.parameters()) == 1_265_531


def test_the_published_form_has_fifteen_convolutions_beside_its_one_projection():
    convolutions = [layer for layer in resnet15().modules() if isinstance(layer, nn.Conv2d)]
    assert len([layer for layer in convolutions if layer.kernel_size != (1, 1)]) == 15
    assert len(convolutions) == 16


def test_without_upsampling_it_is_at_least_twenty_times_cheaper():
    assert operations(resnet15(**DOCUMENT)) > 20 * operations(resnet15())


@pytest.mark.parametrize("keys", [{}, {"upsample": 40}, {"variant": "cms_1", "upsample": 70}])
@pytest.mark.parametrize("shape", [(2, 32, 32), (3, 1, 1), (1, 65, 33)])
def test_images_of_any_shape_are_read(keys: dict, shape: tuple[int, int, int]):
    assert resnet15(shape, **keys)(images(2, *shape)).shape == (2, 2)


def test_upsampling_in_the_model_is_upsampling_before_it():
    batch = images(2, *CROP)
    larger = replace(batch, image=nn.functional.interpolate(batch.image, size=(48, 48), mode="bilinear"))
    assert_close(resnet15(upsample=48)(batch), resnet15((2, 48, 48))(larger))


@pytest.mark.parametrize("block", [basic, bottleneck])
def test_a_block_whose_layers_give_nothing_is_its_shortcut(block):
    made = block(8, 16).eval()
    with torch.no_grad():
        for parameter in made.layers.parameters():
            parameter.zero_()
    x = torch.randn(2, 8, 6, 6)
    assert_close(made(x), made.shortcut(x).relu())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"variant": "resnet"}, "model.variant must be published or cms_1, got resnet"),
        ({"variant": "cms_1"}, "needs images of more than 64 rows or columns, got 32 x 32; set model.upsample"),
        ({"upsample": 0}, "model.upsample must be > 0, got 0"),
    ],
)
def test_what_cannot_be_built_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        resnet15(**keys)
