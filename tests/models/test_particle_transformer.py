"""Particle Transformer is the published network, and its pairs are those of the paper."""

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers.kinematic_features import kinematic_features, with_scalars
from hepexp.models.layers.pair_features import Symmetric, log_pair_features, triangle
from hepexp.models.particle_transformer import ParticleTransformer
from tests.jets import random_jets, transform
from tests.models.layers.test_jet_coordinates import about_z

SMALL = {"n_blocks": 2, "n_class_blocks": 2, "n_heads": 2, "embed_widths": [16, 8], "pair_widths": [6, 4]}


def part(n_scalars: int = 0, seed: int = 1, **options) -> ParticleTransformer:
    """In float64 and evaluation mode, with all parameters and running statistics away from their start."""
    torch.manual_seed(seed)
    options = {"use_scalars": n_scalars > 0, "n_classes": 2} | options
    model = ParticleTransformer(n_scalars=n_scalars, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        model.train()(random_jets(8, n_min=3, n_max=24, n_scalars=n_scalars, seed=2))
    return model.eval()


def test_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = ParticleTransformer(n_scalars=0, n_classes=2)
    assert sum(p.numel() for p in model.parameters()) == 2_141_134


@pytest.mark.parametrize("n_scalars", [0, 10])
def test_logits_are_those_of_the_published_code(n_scalars):
    published = pytest.importorskip("weaver.nn.model.ParticleTransformer")
    model, jets = part(n_scalars, **SMALL), random_jets(8, n_min=3, n_max=24, n_scalars=n_scalars)
    sizes = {"num_layers": 2, "num_heads": 2, "embed_dims": [16, 8], "pair_embed_dims": [6, 4]}
    theirs = published.ParticleTransformer(7 + n_scalars, 2, use_pre_activation_pair=False, trim=False, **sizes)
    ours = model.state_dict()
    theirs.load_state_dict({key: ours[key].view(value.shape) for key, value in theirs.state_dict().items()})
    x = with_scalars(kinematic_features(jets.p4, jets.mask), jets.scalars) * jets.mask[..., None]
    expected = theirs.double().eval()(x.mT, jets.p4[..., [1, 2, 3, 0]].mT, jets.mask[:, None])
    assert_close(model(jets), expected, rtol=0, atol=1e-5)  # m^2 of an electron of 30 GeV has six digits
    assert model(jets).std(0).min() > 1e-3  # the jets differ


def test_pairs_have_the_features_of_the_papers_equation():
    n = 5
    p4 = random_jets(3, n_min=n, n_max=n).p4
    i, j = triangle(n, p4.device)
    ln_kt, ln_z, ln_delta, ln_m2 = log_pair_features(p4)[:, i != j].unbind(-1)
    a, b = (p4[:, k][:, i != j] for k in (i, j))
    pt_a, pt_b = (p[..., 1:3].norm(dim=-1) for p in (a, b))
    dy = (
        0.5
        * ((a[..., 0] + a[..., 3]) / (a[..., 0] - a[..., 3]) * (b[..., 0] - b[..., 3]) / (b[..., 0] + b[..., 3])).log()
    )
    cos = (a[..., 1:3] * b[..., 1:3]).sum(-1) / (pt_a * pt_b)
    delta, softer = torch.hypot(dy, cos.clamp(max=1).arccos()), torch.minimum(pt_a, pt_b)
    total = a + b
    for found, expected in (
        (ln_delta, delta),
        (ln_kt, softer * delta),
        (ln_z, softer / (pt_a + pt_b)),
        (ln_m2, total[..., 0] ** 2 - total[..., 1:].square().sum(-1)),
    ):
        assert_close(found, expected.log(), rtol=0, atol=1e-6)


def test_a_particle_with_itself_is_at_distance_zero():
    p4 = random_jets(1, n_min=2, n_max=2).p4
    i, j = triangle(2, p4.device)
    itself = log_pair_features(p4)[0, i == j]
    m2 = p4[0, :, 0] ** 2 - p4[0, :, 1:].square().sum(-1)
    assert_close(itself[:, :3], torch.tensor([[math.log(1e-8), -math.log(2), math.log(1e-8)]] * 2).double())
    assert_close(itself[:, 3], (4 * m2).log(), rtol=1e-4, atol=0)


def test_symmetric_matrices_and_their_gradient():
    lower = torch.arange(12.0, dtype=torch.float64, requires_grad=True)
    lower = torch.stack([lower[:6], lower[6:]], dim=-1)[None]
    full = Symmetric.apply(lower, 3)
    assert full[0, 0].tolist() == [[0, 1, 3], [1, 2, 4], [3, 4, 5]]
    assert full[0, 1].tolist() == [[6, 7, 9], [7, 8, 10], [9, 10, 11]]
    assert torch.autograd.gradcheck(lambda x: Symmetric.apply(x, 3), (lower.detach().requires_grad_(),))


def test_prediction_does_not_change_when_the_event_turns_about_the_beam_or_is_mirrored():
    model, jets = part(**SMALL), random_jets(8)
    assert_close(model(transform(jets, about_z(2.0))), model(jets), rtol=0, atol=1e-6)
    mirror = torch.diag(torch.tensor([1.0, 1, 1, -1], dtype=torch.float64))
    assert_close(model(transform(jets, mirror)), model(jets), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_blocks": 0}, "model.n_blocks must be > 0, got 0"),
        ({"n_heads": 3}, r"model.n_heads must divide the last of model.embed_widths \(128\), got 3"),
        ({"pair_widths": []}, r"model.pair_widths must be one or more widths > 0, got \[\]"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        ParticleTransformer(**options, n_scalars=0, n_classes=2)
