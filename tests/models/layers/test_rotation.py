"""Rotations of images and of the plane agree with their closed forms."""

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.rotation import angle_between, rotate_images, rotate_plane
from tests.images import centre, spot


def degrees(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).deg2rad()


@pytest.mark.parametrize("size", [6, 7])
def test_quarter_turns_of_a_square_image_are_exact(size: int):
    image = torch.rand(2, 3, size, size, dtype=torch.float64)
    for quarter in range(5):
        turned = rotate_images(image, degrees(90 * quarter, 90 * quarter))
        assert_close(turned, torch.rot90(image, quarter, (2, 3)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 40), (40, 32), (33, 48)])
@pytest.mark.parametrize("angle", [30, 75, 150, 210, 330])
def test_what_is_in_an_image_turns_about_its_centre(shape: tuple[int, int], angle: float):
    turned = rotate_images(spot(*shape, x=7.0, y=3.0), degrees(angle))
    expected = rotate_plane(torch.tensor([[7.0, 3.0]], dtype=torch.float64), degrees(angle))
    assert_close(centre(turned), expected, rtol=0, atol=1e-3)


def test_every_image_has_its_own_turn():
    image = torch.rand(3, 1, 9, 9)
    turned = rotate_images(image, degrees(0, 90, 200))
    assert_close(turned[0], image[0], rtol=0, atol=1e-6)
    assert_close(turned[1], torch.rot90(image[1], 1, (1, 2)), rtol=0, atol=1e-5)


def test_mixed_precision_turns_images_as_full_precision_does():
    image, angle = torch.rand(2, 1, 33, 33), degrees(22.5, 200)
    with torch.autocast("cpu", torch.bfloat16):
        turned = rotate_images(image, angle)
    assert torch.equal(turned, rotate_images(image, angle))


def test_the_angle_between_points_is_that_of_the_turn_within_half_a_circle():
    z = torch.randn(5, 2, dtype=torch.float64)
    for turn, expected in ((0, 0), (30, 30), (150, 150), (210, -150), (330, -30), (700, -20)):
        turned = 3 * rotate_plane(z, degrees(turn))
        assert_close(angle_between(z, turned), torch.full((5,), math.radians(expected), dtype=torch.float64))
