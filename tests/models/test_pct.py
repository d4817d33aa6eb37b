"""Offset attention against its formula on each jet by itself."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers.knn_graph import ParticleRows
from hepexp.models.pct import PCT, OffsetAttention
from tests.jets import random_jets


@pytest.mark.parametrize("packed", [True, False])
def test_attention_is_offset_and_normalised_twice(packed):
    torch.manual_seed(0)
    mask = random_jets(5).mask
    rows, attention = ParticleRows(mask, packed=packed), OffsetAttention(8).double().eval()
    x = torch.randn(*mask.shape, 8, dtype=torch.float64)
    found = rows.unpack(attention(rows.pack(x), rows))
    for i, n in enumerate(mask.sum(1).tolist()):
        one = x[i, :n]
        q, k, v = attention.qkv(one, None).split([2, 2, 8], dim=1)
        a = (q @ k.T).softmax(1)  # over keys
        a = a / a.sum(0)  # over queries
        wanted = one + F.relu(attention.out(one - a.T @ v, None))
        assert_close(found[i, :n], wanted, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"k": 0}, "model.k must be > 0, got 0"), ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0")],
)
def test_a_value_that_cannot_be_used_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        PCT(**options, n_scalars=0, n_classes=2)
