"""Mask and pools against the symmetries of the square."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.symmetric_image import BlurPool, DiskMask


def images(size: int) -> torch.Tensor:
    return torch.rand(2, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(size))


@pytest.mark.parametrize("layer", [DiskMask(), BlurPool(0.66), BlurPool(1.1)], ids=["mask", "blur", "wide blur"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 31, 32, 125, 128])
def test_mask_and_blur_commute_with_rotations_and_flips(layer, size: int):
    x = images(size)
    for quarter in range(4):
        assert_close(layer(torch.rot90(x, quarter, (2, 3))), torch.rot90(layer(x), quarter, (2, 3)))
    assert_close(layer(x.flip(3)), layer(x).flip(3))


@pytest.mark.parametrize(("size", "half"), [(1, 1), (2, 1), (5, 3), (32, 16), (33, 17), (127, 64)])
def test_a_blur_halves_an_image_and_keeps_a_constant_off_its_border(size: int, half: int):
    pooled = BlurPool(0.66)(torch.ones(1, 2, size, size))
    assert pooled.shape == (1, 2, half, half)
    assert_close(pooled[..., 1:-1, 1:-1], torch.ones_like(pooled[..., 1:-1, 1:-1]), rtol=0, atol=2e-3)


@pytest.mark.parametrize("size", [32, 33])
def test_a_blur_keeps_a_pattern_where_it_is(size: int):
    """The centre of a blob stays, in pixels of the image from its middle."""
    axis = torch.arange(size).double() - (size - 1) / 2
    x = torch.exp(-((axis[:, None] - 3.3) ** 2 + (axis + 2.1) ** 2) / 8)
    y = BlurPool(0.66)(x[None, None])[0, 0]
    place = 2 * (torch.arange(len(y)) - (len(y) - 1) / 2).double()
    assert float(y.sum(1) @ place / y.sum()) == pytest.approx(3.3, abs=1e-3)
    assert float(y.sum(0) @ place / y.sum()) == pytest.approx(-2.1, abs=1e-3)


def test_the_mask_keeps_the_inscribed_circle_and_fades_out_the_corners():
    mask = DiskMask()(torch.ones(1, 1, 127, 127))[0, 0]
    row, column = torch.meshgrid(*[torch.arange(127) - 63] * 2, indexing="ij")
    radius = (row**2 + column**2).double().sqrt()
    assert (mask[radius <= 63] == 1).all()
    assert (mask[radius > 64] < 1e-13).all()
