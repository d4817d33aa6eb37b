"""JEDI-net against its equations, pair by pair, and against the published number of parameters."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.jedi_net import JEDINet, jedi_features
from tests.jets import pad, random_jets, transform
from tests.models.layers.test_jet_coordinates import about_z


def jedi_net(**options) -> JEDINet:
    torch.manual_seed(0)
    return JEDINet(**({"n_hidden": 8, "n_effects": 3, "n_features": 5} | options), n_classes=2).double().eval()


@pytest.mark.parametrize("activation", ["relu", "elu", "selu"])
def test_is_the_sum_over_pairs_of_its_equation(activation):
    jets, model = pad(random_jets(3), 2), jedi_net(activation=activation)
    logits, inputs = model(jets), jedi_features(jets.p4, jets.mask)
    for i, n in enumerate(jets.mask.sum(1).tolist()):
        x = inputs[i, :n]
        total = torch.zeros(5, dtype=torch.float64)
        for a in range(n):
            effect = sum(model.f_r(torch.cat([x[a], x[b]])) for b in range(n) if b != a)
            total = total + model.phi_o(torch.cat([x[a], effect]))
        assert_close(logits[i], model.phi_c(total), rtol=0, atol=1e-10)


def test_without_the_sum_it_would_have_the_published_parameters():
    """33,625 for five classes and 100 particles with 30, 10 and 10: phi_C then reads the features of each particle."""
    model = JEDINet(30, 10, 10, n_classes=5)
    assert sum(p.numel() for p in model.parameters()) + 99 * 10 * 30 == 33_625


def test_the_inputs_are_those_of_their_names():
    jets = random_jets()
    x = jedi_features(jets.p4, jets.mask)[jets.mask]
    e, px, py, pz = jets.p4[jets.mask].unbind(-1)
    pt, p = torch.hypot(px, py), (px**2 + py**2 + pz**2).sqrt()
    assert_close(100 * x[:, :4], torch.stack([px, py, pz, e], -1))
    assert_close(100 * x[:, 5], pt)
    assert_close(x[:, 7], torch.atanh(pz / p))
    assert_close(torch.hypot(x[:, 8], x[:, 11]), torch.hypot(x[:, 9], x[:, 12]))  # a rotation
    assert_close(torch.hypot(x[:, 8], x[:, 11]), x[:, 13], rtol=1e-6, atol=1e-6)
    assert_close(x[:, 14], pz / p)
    axes = (jets.p4 * jets.mask[..., None]).sum(1)[:, None, 1:].expand_as(jets.p4[..., 1:])[jets.mask]
    assert_close(x[:, 15], torch.cosine_similarity(jets.p4[jets.mask][:, 1:], axes))


def test_relative_inputs_do_not_change_when_the_event_turns_about_the_beam():
    jets = random_jets()
    relative = [3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15]
    before, after = (jedi_features(p4, jets.mask)[..., relative] for p4 in (jets.p4, transform(jets, about_z(2.0)).p4))
    assert_close(after, before, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_hidden": 1}, "model.n_hidden must be > 1, got 1"),
        ({"n_effects": 0}, "model.n_effects must be > 0, got 0"),
        ({"activation": "tanh"}, "model.activation must be one of relu, elu, selu, got tanh"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        jedi_net(**options)
