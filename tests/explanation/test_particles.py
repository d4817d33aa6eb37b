"""Relevance belongs to particles, whatever the form in which a network reads them."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.data.datasets.files.features import FileFeatures
from hepexp.data.datasets.files.scaled_input import Input
from hepexp.data.representations.points import Points
from hepexp.data.representations.variables import Variables
from hepexp.errors import ConfigError
from hepexp.explanation.attention_maps import attention_maps
from hepexp.explanation.elements import of_elements
from hepexp.explanation.lrp import lrp
from hepexp.explanation.names import column_names
from hepexp.explanation.relevance import gradient_input
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.particle_net import ParticleNet
from hepexp.models.pfn import PFN
from hepexp.models.transformer import Transformer
from tests.explanation.networks import frozen
from tests.jets import permute, random_jets
from tests.models.conformance import Case

N = 7
JETS = random_jets(multiplicity=torch.tensor([N, N, N]))
WHICH = torch.tensor([0, 1, 0])
SIZES = {"n_scalars": 8, "n_classes": 2}
MODELS = {
    "lorentznet": lambda: LorentzNet(8, 2, **SIZES),
    "lorentznet_beams": lambda: LorentzNet(8, 2, symmetry_breaking="both", **SIZES),
    "particlenet": lambda: ParticleNet(k=3, channels=(8, 8), use_scalars=True, **SIZES),
    "particlenet_qmlhep_2": lambda: ParticleNet("qmlhep_2", k=3, channels=(8, 8), **SIZES),
    "pfn": lambda: PFN((8, 8), (8,), use_scalars=True, **SIZES),
}


# pairs as rows of triangles, class tokens, particles sorted by pT, weights of each particle
OTHERS = (
    "part use_scalars=true n_blocks=1 n_class_blocks=1 n_heads=2 embed_widths=[8] pair_widths=[4,4]",
    "pcnn n_first=4 stages=[4] units_per_stage=1 n_hidden=8",
    "efn phi_sizes=[8,8] f_sizes=[8]",
    "pelican size=xs",
    "lgatr slim=true n_blocks=1 n_multivectors=4 n_hidden_scalars=8 n_heads=2 use_scalars=true",
)


@pytest.fixture(params=[*MODELS, *OTHERS], ids=lambda text: text.split()[0])
def model(request):
    torch.manual_seed(0)
    made = MODELS[request.param]() if request.param in MODELS else Case(request.param, 0).build()
    return frozen(made)


@pytest.mark.parametrize(
    "representation",
    [Variables(("a", "b", "c", "d")), Points(("a", "b", "c", "d")), FileFeatures([Input(name) for name in "abcd"])],
    ids=lambda one: type(one).__name__,
)
def test_four_features_have_their_names_and_are_no_four_momentum(representation):
    found = column_names(torch.nn.Linear(4, 2), DataSpec(("one", "other"), n_features=4), representation)
    assert found[False, 4] == ("a", "b", "c", "d")


@pytest.mark.parametrize("method", [lrp, gradient_input])
def test_it_moves_with_the_particles(model, method):
    found, moved = (of_elements(method(model, jets, WHICH), jets, {}) for jets in (JETS, permute(JETS)))
    key = torch.rand(JETS.mask.shape, generator=torch.Generator().manual_seed(0))
    order = (key + ~JETS.mask).argsort(dim=1)  # as in permute
    assert found.each.abs().sum() > 1e-4
    assert_close(moved.each, found.each.gather(1, order), rtol=1e-6, atol=1e-9)
    assert_close(moved.whole, found.whole, rtol=1e-6, atol=1e-9)


def test_none_is_lost_on_the_way_to_the_particles(model):
    found = lrp(model, JETS, WHICH)
    shared = of_elements(found, JETS, {})
    assert_close((shared.each.sum(1) + shared.whole).sum(), sum(x.sum() for x in found.of_reads))


def test_a_particle_network_without_biases_conserves():
    torch.manual_seed(0)
    net = PFN((8, 8), (8,), use_scalars=True, **SIZES)
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    frozen(net)
    shared = of_elements(lrp(net, JETS, WHICH), JETS, {})
    assert_close(shared.each.sum(1), net(JETS).gather(1, WHICH[:, None])[:, 0], rtol=1e-9, atol=1e-9)


def test_columns_have_the_names_that_the_model_gives_them():
    net = frozen(PFN((8,), (8,), **SIZES))
    shared = of_elements(lrp(net, JETS, WHICH), JETS, {(False, 3): net.feature_names})
    assert set(shared.columns) == {"z", "delta y", "delta phi"}
    assert_close(sum(shared.columns.values()), shared.each.sum(1))


def test_two_scalars_are_not_taken_for_the_invariants_of_a_pair():
    net = LorentzNet(8, 2, n_scalars=2, n_classes=2)
    names = column_names(net, DataSpec(("a", "b"), n_scalars=2, scalar_names=("mass", "charge")), None)
    shared = of_elements(lrp(frozen(net), replace(JETS, scalars=JETS.scalars[..., :2]), WHICH), JETS, names)
    assert set(shared.columns) == {"mass", "charge", *net.pair_names, "four-momenta"}
    # four scalars, or the components of x: what a row of four is cannot be told
    names = column_names(net, DataSpec(("a", "b"), n_scalars=4), None)
    assert (False, 4) not in names


def test_scalars_are_named_where_the_model_reads_them():
    net = Transformer(use_scalars=True, n_scalars=2, n_classes=2)
    names = column_names(net, DataSpec(("a", "b"), n_scalars=2, scalar_names=("mass", "charge")), None)
    assert names[False, 9][4:] == ("delta_r", "mass", "charge", "delta_eta", "delta_phi")


def test_attention_over_particles_adds_up_to_one_at_most():
    torch.manual_seed(0)
    net = frozen(Transformer(**SIZES))
    got = attention_maps(net, JETS, N)
    assert got.shape == (3, N)
    assert ((got > 0) & (got < 1)).all()
    assert (got.sum(1) <= 1 + 1e-9).all()


def test_a_network_without_attention_is_refused():
    with pytest.raises(ConfigError, match="PFN has no attention"):
        attention_maps(frozen(PFN((8,), (8,), **SIZES)), JETS, N)
