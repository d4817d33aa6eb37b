"""Logits of rotated images: of functions whose answer under a rotation is known."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.representation import spec_of
from hepexp.losses.rotated_logits import ANGLES, WIDTH, rotated_logits, smoothed
from tests.data.small import mnist, represented
from tests.examples import random_images
from tests.images import centre, spot


class Moments(nn.Module):
    """Where the mean of the image is: a vector that turns with it."""

    compares_rotations = True

    def forward(self, batch):
        return centre(batch.image)


def test_a_vector_turns_by_the_angles():
    batch = replace(random_images(1), image=spot(41, 41, 8.0, 3.0))
    found = rotated_logits(Moments(), batch)
    assert_close(found["logits"], torch.tensor([[8.0, 3.0]], dtype=torch.float64), rtol=0, atol=1e-4)
    for angle, vector in zip(ANGLES, found["rotated_logits"][0], strict=True):
        turned = complex(8, 3) * complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
        assert vector.tolist() == pytest.approx([turned.real, turned.imag], abs=0.02)


class Linear(nn.Module):
    """A linear function of all pixels, those in the corners among them."""

    compares_rotations = True

    def forward(self, batch):
        return batch.image.flatten(1) @ torch.linspace(-1, 1, batch.image[0].numel(), dtype=torch.float64)[:, None]


@pytest.mark.parametrize("scale", ["standard", "std"])
def test_standardised_images_turn_as_images_before_they_are_standardised(scale):
    """x -> (x - m) / s of pixels, empty ones among them, shifts a linear function by a constant and divides it by s."""
    representation = PixelImage(scale=scale).of_shape((1, 28, 28))
    batch = represented(representation, mnist(20))
    empty = spec_of(batch, (), representation).empty_pixel
    batch = replace(batch, image=batch.image.double())
    found = rotated_logits(Linear(), batch, empty)
    shift = torch.tensor(empty or [0.0], dtype=torch.float64)
    expected = rotated_logits(Linear(), replace(batch, image=batch.image - shift))
    assert (scale == "standard") == bool(empty)
    assert_close(batch.image[:, :, 0, 0], shift.expand(20, 1), rtol=0, atol=1e-6)  # corners of digits are empty
    of_empty = Linear()(replace(batch, image=shift.expand(1, 1, 28, 28)))
    for name in ("logits", "rotated_logits"):
        assert_close(found[name], expected[name] + of_empty)


def test_a_single_pixel_becomes_a_gaussian_of_the_width_and_keeps_its_sum():
    image = torch.zeros(1, 2, 25, 25, dtype=torch.float64)
    image[:, :, 12, 12] = 1
    found = smoothed(image)
    assert_close(found.sum((2, 3)), torch.ones(1, 2, dtype=torch.float64))
    axis = torch.arange(25, dtype=torch.float64) - 12
    assert_close((found.sum(2) * axis**2).sum(2), torch.full((1, 2), WIDTH**2).double(), rtol=0.01, atol=0)


def test_mixed_precision_smooths_images_as_full_precision_does():
    image = torch.rand(2, 2, 33, 33)
    with torch.autocast("cpu", torch.bfloat16):
        found = smoothed(image)
    assert found.dtype == torch.float32
    assert torch.equal(found, smoothed(image))


def test_models_that_do_not_ask_for_it_are_not_called():
    assert rotated_logits(nn.Identity(), None) == {}
