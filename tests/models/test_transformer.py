"""The plain transformer against PyTorch's own encoder, on each jet by itself."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers.kinematic_features import kinematic_features
from hepexp.models.transformer import SIZES, Transformer
from tests.jets import pad, random_jets, select


def test_is_the_encoder_of_pytorch():
    torch.manual_seed(0)
    model = Transformer("xs", n_scalars=0, n_classes=2).double().eval()
    dim, _, n_heads = SIZES["xs"]
    reference = []
    for block in model.blocks:
        layer = nn.TransformerEncoderLayer(dim, n_heads, 4 * dim, activation="gelu", batch_first=True, norm_first=True)
        pairs = [
            (layer.self_attn.in_proj_weight, block.attention.in_proj.weight),
            (layer.self_attn.in_proj_bias, block.attention.in_proj.bias),
            *zip(layer.self_attn.out_proj.parameters(), block.attention.out_proj.parameters(), strict=True),
            *zip(layer.norm1.parameters(), block.attention_norm.parameters(), strict=True),
            *zip(layer.norm2.parameters(), block.mlp[0].parameters(), strict=True),
            *zip(layer.linear1.parameters(), block.mlp[1].parameters(), strict=True),
            *zip(layer.linear2.parameters(), block.mlp[3].parameters(), strict=True),
        ]
        for theirs, ours in pairs:
            theirs.data = ours.data
        reference.append(layer.eval())
    jets = random_jets()
    logits = model(pad(jets, 3))
    for i in range(len(jets)):
        jet = select(jets, [i])
        x = model.embed(kinematic_features(jet.p4, jet.mask))
        for layer in reference:
            x = layer(x)
        assert_close(model.classifier(model.norm(x).mean(1))[0], logits[i], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("size", "n"), [("xs", 25_794), ("s", 200_706), ("m", 1_587_714)])
def test_has_as_many_parameters_as_its_file_says(size, n):
    """An embedding of 7 inputs, blocks of 12 d^2 + 13 d, a norm and a linear layer for two classes."""
    assert sum(p.numel() for p in Transformer(size, n_scalars=0, n_classes=2).parameters()) == n


def test_an_unknown_size_is_refused():
    with pytest.raises(ConfigError, match=r"model\.size must be xs, s, m or l, got xl"):
        Transformer("xl", n_scalars=0, n_classes=2)
