"""Mixup in closed form, and the keys that turn augmentation on."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import ImageBatch
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.views.augmentation import Augmentation
from hepexp.data.views.mixup import Mixup
from hepexp.errors import ConfigError


def one_hot(n: int) -> ImageBatch:
    """Image i is 1 at pixel i alone, and of class i, so that a mixture shows of what it is made."""
    image = torch.eye(n, dtype=torch.float64).view(n, 1, 1, n)
    return ImageBatch(label=torch.arange(n), index=torch.arange(n), extras=torch.zeros(n, 0), image=image)


def test_mixup_mixes_an_image_and_its_class_in_the_same_shares():
    batch = one_hot(50)
    mixed = Mixup(0.5)(batch, torch.Generator().manual_seed(1))
    share, first = mixed.mixed_share.double(), torch.nn.functional.one_hot(batch.label, 50)
    target = (1 - share)[:, None] * first + share[:, None] * torch.nn.functional.one_hot(mixed.mixed_label, 50)
    assert_close(mixed.image[:, 0, 0], target)
    assert_close(mixed.image.sum((1, 2, 3)), torch.ones(50, dtype=torch.float64))
    assert sorted(mixed.mixed_label.tolist()) == batch.label.tolist()  # each is the second one once
    assert torch.equal(batch.image, one_hot(50).image)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_have_the_moments_of_a_beta_distribution(alpha: float):
    """With l from Beta(a, a), E[l (1 - l)] = a / (4 a + 2), whichever of the two is called l."""
    rows = torch.arange(40_000)
    batch = ImageBatch(label=rows, index=rows, extras=torch.zeros(len(rows), 0), image=torch.zeros(len(rows), 1, 1, 1))
    share = Mixup(alpha)(batch, torch.Generator().manual_seed(2)).mixed_share.double()
    product = share * (1 - share)
    assert abs(product.mean() - alpha / (4 * alpha + 2)) < 4 * product.std() / 200
    assert share.min() >= 0
    assert share.max() <= 0.5


def test_transformations_are_applied_before_images_are_mixed():
    steps = Augmentation(mixup=0.2, flip=True, noise=0.1).of(PixelImage().of_shape((9, 9), ("a",))).steps
    assert [type(step).__name__ for step in steps] == ["Reflection", "Noise", "Mixup"]


@pytest.mark.parametrize("strength", [0.05, -1.0, 101.0])
def test_a_mixup_that_mixes_nothing_or_whose_shares_cannot_be_drawn_is_refused(strength: float):
    with pytest.raises(ConfigError) as error:
        Augmentation(mixup=strength)
    assert str(error.value) == f"dataset.augment.mixup must be from 0.1 to 100, got {strength:g}"
