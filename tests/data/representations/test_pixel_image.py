"""Dense images are what arithmetic on dense arrays gives."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.data.representations.pixel_image import SCALES, PixelImage
from hepexp.data.store.images import from_dense
from hepexp.errors import ConfigError
from tests.data.small import represented

SHAPE = (2, 7, 10)


def images(n: int = 12) -> np.ndarray:
    random = np.random.default_rng(0)
    values = random.normal(0.2, 1, (n, *SHAPE)) * np.array([1, 1e-4])[:, None, None]
    return (values * (random.random(values.shape) < 0.3)).astype(np.float32)


def scaled(dense: np.ndarray, scale: str) -> np.ndarray:
    each, every = (2, 3), (0, 2, 3)
    dense = dense.astype(np.float64)
    low, high = dense.min(each, keepdims=True), dense.max(each, keepdims=True)
    mean, std = dense.mean(every, keepdims=True), dense.std(every, keepdims=True)
    return {
        "none": dense,
        "std": dense / std,
        "standard": (dense - mean) / std,
        "minmax": (dense - low) / (high - low),
    }[scale]


@pytest.mark.parametrize("clip_negative", [False, True])
@pytest.mark.parametrize("scale", SCALES)
def test_scales(scale: str, clip_negative: bool):
    dense = images()
    found = represented(PixelImage(scale, clip_negative).of_shape(SHAPE), from_dense(np.zeros(12), dense)).image
    expected = scaled(dense, scale)
    expected = np.maximum(expected, 0) if clip_negative else expected
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_values_are_raised_to_a_power_before_scaling_and_keep_their_sign(scale: str):
    dense = images()
    found = represented(PixelImage(scale, power=0.5).of_shape(SHAPE), from_dense(np.zeros(12), dense)).image
    np.testing.assert_allclose(found, scaled(np.sign(dense) * np.sqrt(abs(dense)), scale), rtol=1e-5, atol=1e-6)


def test_padding_is_by_zeros_on_all_sides():
    dense = images()
    found = represented(PixelImage("none", pad_to=13).of_shape(SHAPE), from_dense(np.zeros(12), dense)).image
    np.testing.assert_array_equal(found, np.pad(dense, ((0, 0), (0, 0), (3, 3), (1, 2))))


def test_half_the_size_is_a_weighted_mean_of_neighbours_and_keeps_the_energy():
    dense = np.zeros((1, 1, 16, 16), np.float32)
    dense[0, 0, 5:11, 5:11] = np.random.default_rng(0).exponential(1, (6, 6))
    representation = PixelImage("none", resize_to=8).of_shape((1, 16, 16))
    image = represented(representation, from_dense(np.zeros(1), dense)).image
    assert image.shape == (1, 1, 8, 8)
    assert float(image.sum() * 4) == pytest.approx(float(dense.sum()), rel=1e-5)
    triangle = np.array([1, 3, 3, 1]) / 8  # bilinear weights of pixels whose centres are 0.25 and 0.75 away
    expected = triangle @ dense[0, 0, 5:9, 5:9] @ triangle
    assert float(image[0, 0, 3, 3]) == pytest.approx(float(expected), rel=1e-5)


def test_twice_the_size_is_bilinear_interpolation():
    line = np.array([[[[1.0, 3.0]]]], np.float32).repeat(2, axis=2)
    found = represented(PixelImage("none", resize_to=4).of_shape((1, 2, 2)), from_dense(np.zeros(1), line)).image
    np.testing.assert_allclose(found[0, 0, 0], [1, 1.5, 2.5, 3])


@pytest.mark.parametrize("scale", SCALES)
def test_a_constant_channel_and_an_empty_image_stay_finite(scale: str):
    dense = images()
    dense[:, 0], dense[3] = 0.1, 0
    found = represented(PixelImage(scale).of_shape(SHAPE), from_dense(np.zeros(12), dense)).image
    assert found.isfinite().all()
    dense[:, 0] = 0.1
    found = represented(PixelImage(scale).of_shape(SHAPE), from_dense(np.zeros(12), dense)).image
    assert found[:, 0].abs().max() < 1 + 1e-6


def test_scales_are_those_of_training_and_not_of_the_batch():
    representation, dense = PixelImage("standard").of_shape(SHAPE), images()
    all_of_them = represented(representation, from_dense(np.zeros(12), dense)).image
    one = representation.collate(
        from_dense(np.zeros(1), dense[:1]), {name: torch.zeros(1) for name in ("label", "index", "extras")}
    )
    torch.testing.assert_close(one.image, all_of_them[:1])


def square_images(angle: float, size: int = 9, dense: np.ndarray | None = None) -> torch.Tensor:
    if dense is None:
        dense = np.random.default_rng(1).random((5, 2, size, size), np.float32)
    representation = PixelImage("none", angle=angle).of_shape(dense.shape[1:])
    return represented(representation, from_dense(np.zeros(len(dense)), dense)).image


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("quarter", [-1, 0, 1, 2, 3, 4])
def test_a_quarter_of_a_turn_is_exact(size: int, quarter: int):
    assert torch.equal(square_images(90 * quarter, size), square_images(0, size).rot90(quarter, (2, 3)))


def test_a_turn_keeps_the_energy_of_a_disk_and_moves_it_by_its_angle():
    dense = np.zeros((1, 1, 41, 41), np.float32)
    dense[0, 0, 18:23, 30:35] = 1  # right of the centre
    image = square_images(30, dense=dense)[0, 0].double()
    assert float(image.sum()) == 25
    axis = torch.arange(41) - 20.0
    right, up = float(image.sum(0) @ axis.double()) / 25, -float(image.sum(1) @ axis.double()) / 25
    assert np.degrees(np.arctan2(up, right)) == pytest.approx(30, abs=1)
    assert np.hypot(up, right) == pytest.approx(12, abs=0.2)


def blobs(n: int = 40, size: int = 27) -> np.ndarray:
    """Images with some energy in a disk, in two channels."""
    random = np.random.default_rng(5)
    axis = np.arange(size) - (size - 1) / 2
    disk = np.hypot(*np.meshgrid(axis, axis)) < size / 2 - 1
    return (random.exponential(size=(n, 2, size, size)) * (random.random((n, 2, size, size)) < 0.1) * disk).astype("f4")


def standing(dense: np.ndarray, **keys) -> torch.Tensor:
    made = PixelImage("none", **keys).of_shape(dense.shape[1:])
    return represented(made, from_dense(np.zeros(len(dense)), dense)).image


@pytest.mark.parametrize("size", [26, 27])
@pytest.mark.parametrize("quarter", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_rotated_or_reflected_image_stands_upright_as_the_same_image(size: int, quarter: int, mirrored: bool):
    dense = blobs(size=size)
    moved = np.rot90(dense, quarter, (2, 3))
    moved = np.ascontiguousarray(moved[..., ::-1] if mirrored else moved)
    expected = standing(dense, rotate=True, flip=True)
    assert_close(standing(moved, rotate=True, flip=True), expected, rtol=1e-6, atol=1e-6)
    assert_close(standing(dense[..., ::-1].copy(), flip=True), standing(dense, flip=True), rtol=0, atol=0)
    assert not torch.allclose(standing(moved), standing(dense))
    without = standing(moved, rotate=True)
    assert torch.allclose(without, standing(dense, rotate=True), atol=1e-6) != mirrored


def test_upright_images_keep_their_energy_and_have_it_along_the_rows_and_in_the_higher_half():
    dense = blobs()
    image = standing(dense, rotate=True, flip=True).double()
    assert_close(image.sum((2, 3)), torch.from_numpy(dense).double().sum((2, 3)), rtol=1e-6, atol=1e-5)
    total, place = image.sum(1), torch.arange(27).double() - 13
    along, across = total.sum(2) @ place**2, total.sum(1) @ place**2
    mixed = torch.einsum("nij,i,j->n", total, place, place)
    assert (along > 0.97 * across).all()  # of places rounded to pixels
    assert (mixed.abs() < 0.03 * (along + across)).all()
    for sums in (total.sum(2), total.sum(1)):
        assert (sums[:, 14:].sum(1) >= sums[:, :13].sum(1)).all()


def test_an_elongated_image_at_any_angle_becomes_upright():
    dense = np.zeros((1, 1, 41, 41), np.float32)
    dense[0, 0, 8:33, 19:22] = 1
    dense[0, 0, 26:33, 20] = 3
    for degrees in (0, 17, 45, 100, 200, 359):
        image = standing(dense, angle=degrees, rotate=True)[0, 0].double()
        along, across = (((torch.arange(41) - 20.0).double() ** 2) @ image.sum(axis) for axis in (1, 0))
        assert along > 30 * across
        assert image[26:33].sum() > 1.5 * image[8:15].sum()


def test_images_without_energy_stay_empty():
    dense = np.zeros((2, 1, 9, 9), np.float32)
    dense[1, 0, 4, 4] = 1
    assert torch.equal(standing(dense, rotate=True, flip=True), torch.from_numpy(dense))


def test_half_a_turn_leaves_the_scale_as_it_is():
    dense = images()
    ratio = represented(PixelImage("std", angle=180).of_shape(SHAPE), from_dense(np.zeros(12), dense)).image
    torch.testing.assert_close(
        ratio, represented(PixelImage("std").of_shape(SHAPE), from_dense(np.zeros(12), dense)).image.flip(2, 3)
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"scale": "log"}, "dataset.image.scale must be one of none, std, standard, minmax, got 'log'"),
        ({"power": 0.0}, "dataset.image.power must be > 0, got 0"),
        ({"pad_to": 20, "resize_to": 20}, "give pad_to or resize_to, not both"),
        ({"resize_to": 0}, "dataset.image.resize_to must be >= 1, got 0"),
        ({"angle": float("nan")}, "dataset.image.angle must be a number of degrees, got nan"),
        ({"pad_to": 9}, "dataset.image.pad_to must be >= 10, got 9"),
    ],
)
def test_what_cannot_be_drawn_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        PixelImage(**keys).of_shape(SHAPE)
