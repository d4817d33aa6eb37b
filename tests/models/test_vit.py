"""The vision transformer: the count of QMLHEP VIII, and its attention against the paper's equations."""

import math
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.vit import SelfAttention, ViT
from tests.examples import IMAGE_SHAPE, random_images


def vit(image_shape=IMAGE_SHAPE, n_classes=2, **keys) -> ViT:
    torch.manual_seed(0)
    return ViT(**keys, image_shape=image_shape, n_classes=n_classes).eval()


SMALL = {"dim": 16, "n_blocks": 2, "n_heads": 2, "n_mlp": 8}


@pytest.mark.parametrize(
    ("output_projection", "count"), [(False, 2_854_666), (True, 2_854_666 + 6 * (256 * 256 + 256))]
)
def test_the_number_of_parameters_on_mnist_is_that_of_the_document(output_projection: bool, count: int):
    model = vit((1, 28, 28), n_classes=10, output_projection=output_projection)
    assert sum(p.numel() for p in model.parameters()) == count


def test_attention_is_softmax_of_scaled_products_head_by_head():
    torch.manual_seed(0)
    attention, x = SelfAttention(6, 2, output_projection=True).double(), torch.randn(3, 5, 6, dtype=torch.float64)
    q, k, v = attention.qkv(x).chunk(3, dim=-1)
    heads = []
    for part in (slice(0, 3), slice(3, 6)):
        weights = (q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(3)).softmax(-1)
        heads.append(weights @ v[..., part])
    assert_close(attention(x), attention.project(torch.cat(heads, dim=-1)))


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 12, 20), (1, 7, 5)])
def test_images_of_any_shape_are_read(shape: tuple[int, int, int]):
    batch = replace(random_images(2), image=torch.rand(2, *shape))
    assert vit(shape, **SMALL)(batch).shape == (2, 2)


def test_zeros_to_the_next_multiple_of_the_patch_change_nothing():
    torch.manual_seed(3)
    image = torch.rand(2, 3, 22, 21)
    smaller, larger = vit((3, 22, 21), **SMALL), vit((3, 24, 24), **SMALL)
    larger.load_state_dict(smaller.state_dict())
    padded = torch.nn.functional.pad(image, (0, 3, 0, 2))
    batch = random_images(2)
    assert_close(smaller(replace(batch, image=image)), larger(replace(batch, image=padded)))


def test_the_order_of_patches_matters_by_their_positions_alone():
    """Patches moved together with their positions leave the prediction as it was."""
    model, batch = vit(**SMALL).double(), random_images(2)
    rolled = replace(batch, image=batch.image.roll(4, dims=2))
    expected = model(batch)
    assert not torch.allclose(model(rolled), expected, atol=1e-6)
    with torch.no_grad():
        model.position[1:] = model.position[1:].roll(6, dims=0)  # one row of six patches
    assert_close(model(rolled), expected)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"patch": 0}, "model.patch must be > 0, got 0"),
        ({"n_heads": 7}, r"model.n_heads must divide model.dim \(256\), got 7"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_what_cannot_be_built_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        vit(**keys)
