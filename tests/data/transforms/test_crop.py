"""A crop is a slice of the dense image."""

import numpy as np
import pytest

from hepexp.data.store.images import from_dense, to_dense
from hepexp.data.transforms.crop import Crop
from hepexp.errors import ConfigError

SHAPE, NAMES = (3, 9, 12), ("a", "b", "c")


def images() -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.random((5, *SHAPE)) * (random.random((5, *SHAPE)) < 0.3)).astype(np.float32)


@pytest.mark.parametrize("channels", [None, ["b"], ["c", "a"], ["c", "b", "a"]])
@pytest.mark.parametrize("crop", [None, 9, 4, 1])
def test_a_crop_is_numpy_slicing(channels, crop):
    dense = images()
    cropped = Crop(SHAPE, NAMES, channels, crop)
    found = to_dense(cropped(from_dense(np.zeros(5), dense)), cropped.shape)
    expected = dense[:, [NAMES.index(name) for name in channels or NAMES]]
    if crop:
        top, left = (9 - crop) // 2, (12 - crop) // 2
        expected = expected[:, :, top : top + crop, left : left + crop]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("channels", "crop", "message"),
    [
        (["d"], None, r"dataset.channels must be one or more of a, b, c, each at most once, got \['d'\]"),
        (["a", "a"], None, "each at most once"),
        ([], None, "each at most once"),
        (None, 0, "dataset.crop must be between 1 and 9, got 0"),
        (None, 10, "dataset.crop must be between 1 and 9, got 10"),
    ],
)
def test_a_crop_outside_the_image_is_refused(channels, crop, message):
    with pytest.raises(ConfigError, match=message):
        Crop(SHAPE, NAMES, channels, crop)
