"""Views of images: exact where the pixels of the new image are pixels of the old one."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import ImageBatch
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.views.image_views import Crop, ImageRotation, Noise, Reflection, rotations
from tests.data.small import mnist, represented


def source(seed=5):
    return torch.Generator().manual_seed(seed)


def images(n=6, rows=9, columns=9):
    image = torch.rand(n, 2, rows, columns, generator=source(0), dtype=torch.float64)
    return ImageBatch(label=torch.zeros(n).long(), index=torch.arange(n), extras=torch.zeros(n, 0), image=image)


def quarter_turn(monkeypatch):
    """All random numbers become 1/2, so that a rotation by up to 180 degrees is one by 90."""
    monkeypatch.setattr("hepexp.data.views.image_views.symmetric", lambda like, random: torch.full_like(like, 0.5))


def test_a_quarter_turn_is_exact(monkeypatch):
    quarter_turn(monkeypatch)
    batch = images()
    turned = ImageRotation(180)(batch, source()).image
    assert_close(turned, torch.rot90(batch.image, dims=(2, 3)))


def test_a_rotation_turns_distances_alike_in_images_that_are_not_square():
    angle, image = torch.tensor([0.7], dtype=torch.float64), images(1, 8, 16).image
    sizes = torch.diag(torch.tensor([16.0, 8.0], dtype=torch.float64))  # pixels for one unit of x and of y
    turn = sizes @ rotations(angle, image)[0, :, :2] @ sizes.inverse()
    assert_close(turn @ turn.T, torch.eye(2, dtype=torch.float64))


def test_a_rotation_keeps_what_is_around_the_centre_and_its_mean():
    axis = torch.arange(41, dtype=torch.float64) - 20
    blob = torch.exp(-(axis[:, None] ** 2 + axis**2) / 50).expand(4, 1, 41, 41)
    batch = images(4)
    batch.image = blob
    assert_close(ImageRotation(180)(batch, source()).image, blob, atol=0.01, rtol=0)


def test_a_crop_of_an_image_that_rises_linearly_rises_more_slowly():
    """Bilinear interpolation of a linear function is exact, so slope and position of a crop can be read off."""
    batch, s = images(50, 31, 31), 0.4
    x = torch.linspace(-1, 1, 31, dtype=torch.float64) * 30 / 31  # centres of the pixels
    batch.image = x.expand(50, 1, 31, 31)
    row = Crop(s)(batch, source()).image[:, 0, 15]
    inner = row[:, 3:28]  # the last pixels at each end may mix with what is outside
    side = (inner[:, -1] - inner[:, 0]) / (x[27] - x[3])
    assert_close(inner, inner[:, :1] + side[:, None] * (x[3:28] - x[3]))
    assert ((1 - s <= side) & (side <= 1)).all()
    assert side.min() < 1 - 0.9 * s
    centre = row[:, 15]
    assert (centre.abs() <= 1 - side + 1e-9).all()  # it does not leave the image
    assert centre.abs().max() > 0.1


def test_a_reflection_is_one_of_four_and_each_occurs():
    batch = images(200)
    seen = set()
    for before, after in zip(batch.image, Reflection()(batch, source()).image, strict=True):
        flips = [(), (-1,), (-2,), (-1, -2)]
        seen.add(next(dims for dims in flips if torch.equal(before.flip(dims), after)))
    assert len(seen) == 4


def test_noise_is_of_the_size_of_what_is_in_the_image():
    batch = images(20, 40, 40)
    noise = Noise(0.3)(batch, source()).image - batch.image
    assert abs(noise.mean()) < 0.01
    assert_close(noise.std((2, 3)), 0.3 * batch.image.std((2, 3)), rtol=0.1, atol=0)
    batch.image = 7 * batch.image
    assert_close(Noise(0.3)(batch, source()).image - batch.image, 7 * noise)


@pytest.mark.parametrize("view", [ImageRotation(180), Crop(0.4)], ids=["rotation", "crop"])
def test_mixed_precision_takes_pixels_from_the_places_of_full_precision(view):
    batch = images(4, 33, 33)
    batch.image = batch.image.float()
    with torch.autocast("cpu", torch.bfloat16):
        moved = view(batch, source()).image
    assert torch.equal(moved, view(batch, source()).image)


@pytest.mark.parametrize("scale", ["none", "std", "standard", "minmax"])
def test_what_comes_from_outside_is_as_an_empty_pixel(scale):
    """Corners of digits are empty, and a rotation fills them from outside."""
    representation = PixelImage(scale=scale).of_shape((1, 28, 28))
    view = ImageRotation(45)
    view.fit_to(representation)
    batch = represented(representation, mnist(20))
    empty = batch.image[:, :, 0, 0]
    assert_close(view(batch, source()).image[:, :, 0, 0], empty, atol=1e-5, rtol=0)
