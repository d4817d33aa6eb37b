"""The harmonic network: its filters, its symmetry to all digits, and what is refused."""

from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.harmonic import HarmonicNet
from hepexp.models.layers.harmonic import HarmonicConv, MagnitudeNorm, magnitude, rings
from tests.models.test_steerable_cnn import change, count, images, trained


def with_orders(x: torch.Tensor) -> torch.Tensor:
    """Features (B, 2 n, H, W) as complex numbers (B, n, H, W)."""
    return torch.complex(*x.chunk(2, dim=1))


def turned(x: torch.Tensor, n_orders: int, quarters: int) -> torch.Tensor:
    """Features of each order after rotations by 90 degrees."""
    z = torch.rot90(with_orders(x), quarters, (2, 3)).unflatten(1, (n_orders, -1))
    phases = torch.tensor([1j ** (m * quarters) for m in range(n_orders)], dtype=z.dtype)
    z = (z * phases[:, None, None, None]).flatten(1, 2)
    return torch.cat([z.real, z.imag], 1)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("n_orders", [2, 3])
def test_features_of_order_m_turn_m_times_as_fast_as_the_image(n_orders: int, kernel: int):
    torch.manual_seed(0)
    first = HarmonicConv(2, 3, None, n_orders, kernel).double()
    second = HarmonicConv(3, 2, n_orders, n_orders, kernel).double()
    norm = MagnitudeNorm(3 * n_orders).double()
    image = torch.randn(2, 2, 9, 9, dtype=torch.float64)
    for quarters in range(4):
        moved = torch.rot90(image, quarters, (2, 3))
        assert_close(first(moved), turned(first(image), n_orders, quarters), rtol=1e-10, atol=1e-12)
        z = norm(first(image))
        assert_close(norm(first(moved)), turned(z, n_orders, quarters), rtol=1e-10, atol=1e-12)
        assert_close(second(norm(first(moved))), turned(second(z), n_orders, quarters), rtol=1e-10, atol=1e-12)


def test_a_convolution_is_the_sum_over_orders_of_complex_products():
    """One pixel of the output by the formula: sum over m, channels and pixels of R e^{i((n - m) phi + beta)} z."""
    torch.manual_seed(0)
    conv = HarmonicConv(2, 1, 2, 2, 5).double()
    x = torch.randn(1, 8, 5, 5, dtype=torch.float64)
    z, out = with_orders(x)[0].unflatten(0, (2, 2)), with_orders(conv(x))[0, :, 2, 2]
    for n in range(2):
        total = torch.zeros((), dtype=torch.complex128)
        for m in range(2):
            harmonics = torch.view_as_complex(conv._exact[f"harmonics_{m}_{n}"])
            phase = torch.polar(torch.ones(1, 2, dtype=torch.float64), conv.beta[f"{m}_{n}"])
            filters = (conv.profile[f"{m}_{n}"][..., None, None] * harmonics[:, None, None]).sum(0)
            total = total + (phase[..., None, None] * filters * z[m]).sum()
        assert_close(out[n], total)


def test_the_magnitudes_are_normalised_and_the_phases_stay():
    norm, x = MagnitudeNorm(3), torch.randn(8, 6, 5, 5)
    y = norm(x)
    alive = magnitude(y) > 0.1
    assert_close(with_orders(y).angle()[alive], with_orders(x).angle()[alive], rtol=1e-4, atol=1e-4)
    length = magnitude(x)
    mean, std = length.mean((0, 2, 3)), length.std((0, 2, 3), correction=0)
    expected = ((length - mean[:, None, None]) / std[:, None, None]).relu()
    assert_close(with_orders(y).abs(), expected, rtol=1e-3, atol=1e-4)


def test_a_ring_has_the_frequencies_that_its_pixels_can_sample():
    assert [rings(5, k) for k in (0, 1, -2, 3, 4)] == [[0, 1, 2], [1, 2], [1, 2], [2], [2]]


@pytest.mark.parametrize("max_order", [1, 2])
@pytest.mark.parametrize("size", [30, 33])
def test_logits_do_not_change_under_rotations_by_90_degrees(size: int, max_order: int):
    model, batch = trained(HarmonicNet, size, max_order=max_order), images(size)
    for quarters in range(1, 4):
        assert change(model, batch, torch.rot90(batch.image, quarters, (2, 3))) < 1e-10
    assert change(model, batch, batch.image.flip(3)) > 1e-3


def test_the_default_network_has_the_parameters_of_its_filters():
    """4 numbers for a filter of frequency 0, three rings and a phase, and 3 for one of frequency 1."""
    widths = [8, 16, 32, 32, 64, 64, 64, 64]
    filters = 7 * 3 * 8 + 14 * sum(a * b for a, b in pairwise(widths[:-1])) + 7 * 64 * 64
    norms = 2 * (2 * sum(widths[:-1]) + 64)
    assert count(HarmonicNet(image_shape=(3, 127, 127), n_classes=2)) == filters + norms + 65 * 2


@pytest.mark.parametrize(
    ("keys", "shape", "message"),
    [
        ({"max_order": 0}, (3, 32, 32), "model.max_order must be from 1 to 4, got 0"),
        ({"max_order": 3, "kernel": 3}, (3, 32, 32), "model.max_order must be <= 2 for model.kernel=3, got 3"),
        ({"kernel": 4}, (3, 32, 32), "model.kernel must be 3, 5 or 7, got 4"),
        ({}, (3, 32, 30), "harmonic needs square images, got 32 x 30; set dataset.image.pad_to"),
        ({"widths": [4], "convs": [0]}, (3, 32, 32), "model.convs must be one or more numbers > 0, got [0]"),
    ],
)
def test_what_has_no_symmetry_or_no_pixels_is_refused(keys, shape, message: str):
    with pytest.raises(ConfigError) as error:
        HarmonicNet(**keys, image_shape=shape, n_classes=2)
    assert str(error.value) == message
