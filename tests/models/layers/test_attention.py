"""Attention is the formula, and padding is no key."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.attention import MultiHeadAttention, without_padding

MASK = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [False] * 5])


@pytest.fixture
def attention() -> MultiHeadAttention:
    torch.manual_seed(0)
    return MultiHeadAttention(8, 2, dropout=0.5).double().eval()


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("own", [True, False])
def test_is_the_softmax_of_each_head(attention, own):
    x, context, bias = random(3, 5, 8), None if own else random(3, 4, 8) + 1, random(3, 2, 5, 5 if own else 4)
    found = attention(x, bias, context)
    keys = x if context is None else context
    weight, shift = attention.in_proj.weight.chunk(3), attention.in_proj.bias.chunk(3)
    q, k, v = (t @ w.T + b for t, w, b in zip((x, keys, keys), weight, shift, strict=True))
    heads = []
    for h, place in enumerate((slice(0, 4), slice(4, 8))):
        scores = q[..., place] @ k[..., place].mT / 2 + bias[:, h]
        heads.append(scores.softmax(-1) @ v[..., place])
    assert_close(found, torch.cat(heads, dim=-1) @ attention.out_proj.weight.T + attention.out_proj.bias)


def test_padding_is_no_key_and_a_jet_without_particles_is_finite(attention):
    x = random(3, 5, 8)
    bias = without_padding(MASK, x.dtype, random(3, 2, 5, 5))
    found = attention(x, bias)
    other = torch.where(MASK[..., None], x, 1e3)
    assert_close(attention(other, bias)[MASK], found[MASK])
    assert_close(attention(x[1:2, :3], bias[1:2, :, :3, :3]), found[1:2, :3])
    assert found.isfinite().all()


def test_weights_are_dropped_in_training_alone(attention):
    x = random(3, 5, 8)
    bias = without_padding(MASK, x.dtype)
    assert torch.equal(attention(x, bias), attention(x, bias))
    attention.train()
    assert not torch.equal(attention(x, bias), attention(x, bias))
