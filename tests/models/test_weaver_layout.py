"""Weights of weaver-core, as published for ParticleNet and Particle Transformer, give its logits."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.bench.taggers import TAGGERS
from hepexp.errors import ConfigError
from hepexp.models.layers.kinematic_features import kinematic_features, with_scalars
from hepexp.models.particle_net import ParticleNet
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.weights import load_body
from tests.jets import random_jets

weaver_part = pytest.importorskip("weaver.nn.model.ParticleTransformer")
weaver_net = pytest.importorskip("weaver.nn.model.ParticleNet")

PART = {"n_blocks": 2, "n_class_blocks": 1, "n_heads": 2, "embed_widths": [16, 8], "pair_widths": [6, 4]}
NET = {"k": 4, "channels": [8, 12], "n_hidden": 6, "variant": "weaver"}
JETS = {"n_min": 6, "n_max": 24}  # more than k particles: with fewer, weaver takes padding for neighbours


def theirs(name: str, n_scalars: int, n_classes: int) -> nn.Module:
    """Weaver's network of the size of PART or NET, in float64, its statistics and weights not those of the start."""
    torch.manual_seed(4)
    if name == "part":
        sizes = {"num_layers": 2, "num_cls_layers": 1, "num_heads": 2, "embed_dims": [16, 8], "pair_embed_dims": [6, 4]}
        net = weaver_part.ParticleTransformer(
            7 + n_scalars, n_classes, use_pre_activation_pair=False, trim=False, **sizes
        )
    else:
        convs = [(4, (8, 8, 8)), (4, (12, 12, 12))]
        net = weaver_net.ParticleNet(
            7 + n_scalars, n_classes, convs, [(6, 0.1)], use_fusion=False, use_counts=True, trim=False
        )
    net = net.double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        for key, value in net.named_buffers():
            if key.endswith(("running_mean", "running_var")):
                value += 0.3 * torch.rand_like(value)
    return net.eval()


def logits(name: str, net: nn.Module, jets) -> torch.Tensor:
    x = kinematic_features(jets.p4, jets.mask)
    x = (with_scalars(x, jets.scalars) * jets.mask[..., None]).mT
    mask = jets.mask[:, None]
    return net(x, jets.p4[..., [1, 2, 3, 0]].mT, mask) if name == "part" else net(x[:, -2:], x, mask)


def ours(name: str, n_scalars: int = 0, n_classes: int = 2, **options) -> nn.Module:
    torch.manual_seed(5)
    make, sizes = (ParticleTransformer, PART) if name == "part" else (ParticleNet, NET)
    return make(**sizes | options, use_scalars=n_scalars > 0, n_scalars=n_scalars, n_classes=n_classes).double().eval()


@pytest.fixture(params=["part", "net"])
def name(request) -> str:
    return request.param


def saved(net: nn.Module, path, former: bool = False) -> str:
    """As weaver saves it; in former versions attention was torch's own."""
    state = {f"mod.{key}": value for key, value in net.state_dict().items()}
    if former:
        state = {key.replace("in_proj.", "in_proj_"): value for key, value in state.items()}
    torch.save(state, path)
    return str(path)


@pytest.mark.parametrize("n_scalars", [0, 10])
@pytest.mark.parametrize("former", [False, True])
def test_the_same_weights_give_the_same_logits(name, n_scalars, former, tmp_path):
    net, jets = theirs(name, n_scalars, 2), random_jets(8, **JETS, n_scalars=n_scalars)
    model = ours(name, n_scalars, weights=saved(net, tmp_path / "net.pt", former))
    expected = logits(name, net, jets)
    assert expected.std(0).min() > 1e-3
    assert_close(model(jets), expected, rtol=0, atol=1e-5)


def test_the_published_sizes_have_the_same_parameters():
    net = weaver_net.ParticleNet(
        7, 2, [(16, (n, n, n)) for n in (64, 128, 256)], [(256, 0.1)], use_fusion=False, trim=False
    )
    part = weaver_part.ParticleTransformer(7, 2, trim=False)
    options = {"n_scalars": 0, "n_classes": 2}
    for pair, n in (
        ((net, ParticleNet(**options)), 366_160),
        ((part, ParticleTransformer(**options)), 2_141_134),
    ):
        assert [sum(p.numel() for p in one.parameters()) for one in pair] == [n, n]


@pytest.mark.parametrize("case", ["particlenet", "part"])
def test_the_published_sizes_have_the_same_logits(case):
    torch.manual_seed(6)
    tagger = TAGGERS[case]
    model = tagger.ours().double()
    with torch.no_grad():
        for parameter in model.parameters():  # also of layers that start at zero or one
            parameter += 0.05 * torch.randn_like(parameter)
    reference, jets = tagger.reference(model).double().eval(), random_jets(6, n_min=17, n_max=40)
    expected = reference(jets)
    assert expected.std(0).min() > 1e-3
    assert_close(model.eval()(jets), expected, rtol=0, atol=1e-5)


def test_a_new_head_takes_the_body(name, tmp_path):
    file = saved(theirs(name, 0, 10), tmp_path / "net.pt")
    model = ours(name)
    said, _ = load_body(model, file)
    assert said.endswith({"part": "; fresh: 18 in fc", "net": "; fresh: 92 in classifier"}[name])
    whole = ours(name, n_classes=10, weights=file).state_dict()
    head = "fc" if name == "part" else "classifier"
    assert all(
        torch.equal(value.float(), whole[key].float())
        for key, value in model.state_dict().items()
        if not key.startswith(head)
    )


def test_weights_of_another_feature_set_and_other_classes_are_listed(name, tmp_path):
    file = saved(theirs(name, 10, 10), tmp_path / "net.pt")
    with pytest.raises(ConfigError) as error:
        ours(name, weights=file)
    said = str(error.value)
    assert "; weights of 17 features are for the set full: dataset.scalars=full model.use_scalars=true" in said
    layers = {
        "part": "embed.input_bn, embed.embed.0, embed.embed.1, fc.0",
        "net": "input_norm, blocks.0.linears.0, blocks.0.shortcut, classifier.3",
    }[name]
    assert said.endswith(f"; what does not fit: {layers}")
    assert "\n" not in said


def test_a_particle_net_with_other_inputs_refuses_them(tmp_path):
    file = saved(theirs("net", 0, 2), tmp_path / "net.pt")
    for load in (
        lambda: ours("net", variant="published", weights=file),
        lambda: load_body(ours("net", variant="published"), file),
    ):
        with pytest.raises(
            ConfigError, match=r"net.pt has the layout of weaver, whose inputs need model.variant=weaver$"
        ):
            load()


class NotATensor:
    pass


def test_nothing_in_such_a_file_runs(name, tmp_path):
    torch.save({"mod.embed": NotATensor()}, tmp_path / "net.pt")
    with pytest.raises(ConfigError, match=r"holds an object of .*NotATensor, which is not loaded"):
        ours(name, weights=str(tmp_path / "net.pt"))
