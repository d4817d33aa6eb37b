import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers.jet_coordinates import jet_coordinates
from hepexp.models.particle_net import ParticleNet, published_features, qmlhep_2_features
from tests.jets import permute, random_jets, transform
from tests.models.layers.test_jet_coordinates import about_z


@pytest.fixture
def jets():
    return random_jets(8, n_min=3, n_max=24)


def particle_net(**options) -> ParticleNet:
    torch.manual_seed(0)
    return ParticleNet(**options, n_scalars=8, n_classes=2).double().eval()


@pytest.mark.parametrize("variant", ["published", "qmlhep_2"])
def test_prediction_does_not_change_when_the_event_turns_about_the_beam(variant, jets):
    model = particle_net(variant=variant)
    assert_close(model(transform(jets, about_z(2.0))), model(jets), rtol=0, atol=1e-9)


def test_features_are_the_papers_table_of_seven(jets):
    features = published_features(jet_coordinates(jets.p4, jets.mask))[jets.mask]
    e, px, py, pz = jets.p4[jets.mask].T
    jet = jets.p4.sum(1, keepdim=True).expand_as(jets.p4)[jets.mask].T
    pt, jet_pt = torch.hypot(px, py), torch.hypot(jet[1], jet[2])
    dy = 0.5 * torch.log((e + pz) / (e - pz)) - 0.5 * torch.log((jet[0] + jet[3]) / (jet[0] - jet[3]))
    dphi = torch.remainder(torch.atan2(py, px) - torch.atan2(jet[2], jet[1]) + torch.pi, 2 * torch.pi) - torch.pi
    logs = [(pt, 1.7), (e, 2.0), (pt / jet_pt, -4.7), (e / jet[0], -4.7)]
    expected = [dy, dphi, *((0.7 * (x.log() - shift)).clamp(-5, 5) for x, shift in logs)]
    expected.append((4 * (torch.hypot(dy, dphi) - 0.2)).clamp(-5, 5))
    assert_close(features, torch.stack(expected, dim=-1), rtol=0, atol=1e-5)


def test_the_documents_variant_reads_three_features_of_order_one():
    jets = random_jets(100, n_min=20, n_max=60)
    features = qmlhep_2_features(jet_coordinates(jets.p4, jets.mask))[jets.mask]
    assert features.shape[-1] == 3
    assert features.abs().max() <= 5


def test_a_grid_full_of_equal_distances_does_not_depend_on_the_order_of_particles():
    # Massless particles of a pixel image: each has up to four neighbours at the same distance.
    y, phi = torch.cartesian_prod(torch.arange(6), torch.arange(6)).double().mul(0.1).T
    pt = torch.rand(36, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    jets = random_jets(multiplicity=torch.tensor([36]))
    jets.p4 = torch.stack([pt * y.cosh(), pt * phi.cos(), pt * phi.sin(), pt * y.sinh()], dim=-1)[None]
    model = particle_net(k=6)
    for seed in range(3):
        assert torch.equal(model(permute(jets, seed)), model(jets))


def test_only_the_scalars_tell_apart_jets_of_equal_momenta(jets):
    other = random_jets(8, n_min=3, n_max=24)
    other.scalars = other.scalars.roll(1, dims=-1)
    assert torch.equal(particle_net()(other), particle_net()(jets))
    reads = particle_net(use_scalars=True)
    assert not torch.allclose(reads(other), reads(jets))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "model.k must be > 0, got 0"),
        ({"n_hidden": -3}, "model.n_hidden must be > 0, got -3"),
        ({"channels": []}, "model.channels must be one or more widths > 0, got []"),
        ({"channels": [64, 0]}, r"model.channels must be one or more widths > 0, got \[64, 0\]"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
        ({"variant": "other"}, "model.variant must be one of published, weaver, qmlhep_2, got other"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(options, message):
    with pytest.raises(ConfigError, match=message.replace("[]", r"\[\]")):
        particle_net(**options)
