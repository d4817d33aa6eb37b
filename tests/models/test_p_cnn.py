"""P-CNN against PyTorch's own layers on the sorted list of particles."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers.kinematic_features import kinematic_features
from hepexp.models.p_cnn import PCNN, by_pt
from tests.jets import random_jets, select


def p_cnn(**options) -> PCNN:
    torch.manual_seed(0)
    return PCNN(**options, n_scalars=8, n_classes=2).double().eval()


def norm(layer, x):
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


def test_is_a_residual_network_over_particles_in_order_of_pt():
    jets, model = random_jets(4, n_max=24), p_cnn(stages=[6, 8], n_first=4)
    model.train()(random_jets(4, seed=1))
    model.eval()
    logits = model(jets)
    for i in range(4):
        jet = select(jets, [i])
        order = jet.p4[0, :, 1:3].norm(dim=-1).argsort(descending=True)
        x = norm(model.input_norm, kinematic_features(jet.p4, jet.mask)[:, order].transpose(1, 2))
        x = norm(model.first.norm, model.first.conv(x)).relu()
        for unit, stride in zip(model.units, (1, 1, 2, 1), strict=True):
            z = norm(unit.first.norm, unit.first.conv(x)).relu()
            z = norm(unit.second.norm, unit.second.conv(z)).relu()
            x = unit.shortcut(x[:, :, ::stride].transpose(1, 2)).transpose(1, 2) + z
        assert_close(model.classifier(x.mean(2))[0], logits[i], rtol=0, atol=1e-10)


def test_sorts_by_pt_and_puts_padding_last():
    jets = random_jets()
    order = by_pt(jets.p4, jets.mask)
    for i, n in enumerate(jets.mask.sum(1).tolist()):
        assert order[i, :n].tolist() == jets.p4[i, :n, 1:3].norm(dim=-1).argsort(descending=True).tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units_per_stage": 0}, "model.units_per_stage must be > 0, got 0"),
        ({"stages": []}, r"model.stages must be one or more widths > 0, got \[\]"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        p_cnn(**options)
