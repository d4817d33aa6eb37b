"""The small convolutional network: sizes, and what its architecture promises."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.cnn import CNN
from tests.examples import IMAGE_SHAPE, random_images


def cnn(image_shape=IMAGE_SHAPE, **keys) -> CNN:
    torch.manual_seed(0)
    return CNN(**keys, image_shape=image_shape, n_classes=2).double().eval()


@pytest.mark.parametrize("size", [8, 28, 33, 125])
def test_the_same_weights_read_images_of_any_size(size: int):
    model = cnn()
    batch = replace(random_images(2), image=torch.rand(2, 3, size, size))
    assert model(batch).shape == (2, 2)


def test_the_number_of_parameters_is_that_of_its_layers():
    widths, depth, channels = (4, 6), 2, 3
    count = 0
    for width in widths:
        for _ in range(depth):
            count += 9 * channels * width + 2 * width
            channels = width
    count += channels * 2 + 2
    assert sum(p.numel() for p in cnn(widths=widths, convs_per_stage=depth).parameters()) == count


def test_a_pattern_that_moves_by_whole_strides_keeps_its_prediction():
    """Three poolings by two: a shift by eight pixels, with the pattern off the borders, only moves the features."""
    image = torch.zeros(1, 3, 64, 64)
    image[..., 24:32, 24:32] = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    model, batch = cnn(), random_images(1)
    moved = torch.roll(image, (8, -8), (2, 3))
    assert_close(model(replace(batch, image=moved)), model(replace(batch, image=image)), rtol=0, atol=1e-12)
    elsewhere = torch.roll(image, (3, 0), (2, 3))
    assert not torch.allclose(model(replace(batch, image=elsewhere)), model(replace(batch, image=image)), atol=1e-6)


def test_dropout_acts_in_training_alone():
    model, batch = cnn(dropout=0.5), random_images(4)
    assert torch.equal(model(batch), model(batch))
    model.classifier.train()
    assert not torch.equal(model(batch), model(batch))


def test_weights_are_read_from_a_file(tmp_path):
    first, batch = cnn(), random_images(2)
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    torch.manual_seed(5)
    again = CNN(weights=str(tmp_path / "weights.pt"), image_shape=IMAGE_SHAPE, n_classes=2).eval()
    assert_close(again(batch).double(), first(batch), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"widths": []}, r"model.widths must be one or more widths > 0, got \[\]"),
        ({"widths": [8, 0]}, r"model.widths must be one or more widths > 0, got \[8, 0\]"),
        ({"convs_per_stage": 0}, "model.convs_per_stage must be >= 1, got 0"),
        ({"widths": [4] * 5}, "model.widths has 5 stages, too many for images of 24 x 24"),
    ],
)
def test_what_cannot_be_built_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        cnn(**keys)
