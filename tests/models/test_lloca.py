"""LLoCa: its frames are frames, and they make the networks of its authors' package invariant."""

import copy

import pytest
import torch
from lloca.backbone import particlenet, particletransformer
from torch.testing import assert_close

from hepexp import memory
from hepexp.errors import ConfigError
from hepexp.models.head import head_of
from hepexp.models.layers import lorentz_packages
from hepexp.models.layers.frame_vectors import FrameVectors
from hepexp.models.layers.local_jets import LocalJets
from hepexp.models.lloca import LLoCa, rest_frame
from tests.jets import pad, random_jets, random_lorentz, transform

SMALL = {"part": {"n_blocks": 1, "n_heads": 2, "n_head_scalars": 4}, "particlenet": {"channels": [16, 24], "k": 5}}
METRIC = torch.diag(torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64))


def test_the_boost_to_the_rest_frame_is_a_boost_to_the_rest_frame():
    jet = random_jets(6).p4.sum(1)
    boost = rest_frame(jet)
    assert_close(boost.mT @ METRIC @ boost, METRIC.expand(6, 4, 4), rtol=0, atol=1e-12)
    mass = (jet[:, 0].square() - jet[:, 1:].square().sum(1)).sqrt()
    at_rest = torch.zeros(6, 4, dtype=torch.float64)
    at_rest[:, 0] = mass
    assert_close((boost @ jet[..., None])[..., 0], at_rest, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("n", [3, 4, 12])
def test_vectors_of_frames_turn_with_the_jet(n):
    torch.manual_seed(0)
    network = FrameVectors(3, 8, 16).double()
    jets = pad(random_jets(n_min=n, n_max=n), 2)
    matrix = random_lorentz(0.9)
    moved = transform(jets, matrix)
    vectors, of_moved = (network(batch.p4, batch.scalars.double(), batch.mask)[:, :n] for batch in (jets, moved))
    assert_close(of_moved, vectors @ matrix.T, rtol=1e-7, atol=1e-9)
    assert torch.linalg.matrix_rank(vectors).min() == 3
    square = ((vectors @ METRIC) * vectors).sum(-1)
    assert square.min() > 0


def test_local_frames_are_lorentz_transformations():
    torch.manual_seed(0)
    model = LLoCa(n_blocks=1, symmetry_breaking="none", use_scalars=True, n_scalars=8, n_classes=2).double()
    jets = random_jets(5)
    boost = rest_frame(jets.p4.sum(1))[:, None]
    frames = model.frames((boost @ jets.p4[..., None])[..., 0], jets.scalars.double(), mask=jets.mask).matrices
    assert_close(frames.mT @ METRIC @ frames, METRIC.expand_as(frames), rtol=0, atol=1e-8)


def test_particles_of_equal_direction_have_no_extreme_frames():
    torch.manual_seed(0)
    network, jets = FrameVectors(3, 0, 16).double(), random_jets(5, n_min=6)
    p4 = jets.p4.clone()
    p4[:, :2, 0] = p4[:, :1, 1:].norm(dim=-1)
    p4[:, :2, 1:] = p4[:, :1, 1:]  # two equal particles without mass
    p4 = (rest_frame(p4.sum(1))[:, None] @ p4[..., None])[..., 0]
    v = network(p4, jets.scalars[..., :0].double(), jets.mask)
    factor = v[..., 0] / ((v @ METRIC) * v).sum(-1).sqrt()
    assert factor[jets.mask].max() < 100


def small(backbone: str, **options) -> LLoCa:
    torch.manual_seed(0)
    options = SMALL[backbone] | {"n_frame_hidden": 8, "n_scalars": 8, "n_classes": 2, "use_scalars": True} | options
    return LLoCa(backbone, **options).double()


@pytest.mark.parametrize(
    ("backbone", "n_parameters", "head"),
    [
        # 10 inputs; blocks of attention 4 (128^2 + 128) and perceptrons 4 x 128^2 + 3 x 128
        ("transformer", 11 * 128 + 12 * (8 * 128**2 + 7 * 128) + 129 * 2, "net.linear_out"),
        ("part", 2_141_134, "net.fc.0"),  # of Particle Transformer
        ("particlenet", 366_160, "net.fc.1"),  # of ParticleNet
    ],
)
def test_the_authors_sizes_are_those_of_the_networks_without_frames(backbone, n_parameters, head):
    model = LLoCa(backbone, n_scalars=0, n_classes=2)
    of_frames = 5 * 32 + 32 + 32 * 32 + 32 + 32 * 3  # two scalars of two particles, and an invariant
    assert sum(p.numel() for p in model.parameters()) == n_parameters + of_frames
    assert head_of(model) == head


@pytest.mark.parametrize("backbone", SMALL)
def test_batch_statistics_leave_padding_out(backbone):
    jets = random_jets(6, n_min=1, n_max=14)
    models = [small(backbone, dropout=0.0, symmetry_breaking="beam") for _ in range(2)]
    narrow, wide = (model.train()(batch) for model, batch in zip(models, (jets, pad(jets, 9)), strict=True))
    assert_close(wide, narrow, rtol=0, atol=1e-10)
    for (name, buffer), expected in zip(models[1].named_buffers(), models[0].buffers(), strict=True):
        assert_close(buffer, expected, rtol=0, atol=1e-10, msg=name)


@pytest.mark.parametrize("backbone", SMALL)
def test_logits_are_those_of_the_package_with_the_arguments_of_its_authors(backbone):
    torch.manual_seed(0)
    jets, seen = random_jets(3, n_min=3, n_max=20), []
    model = LLoCa(backbone, symmetry_breaking="none", n_scalars=0, n_classes=2).double()
    model.train()(random_jets(3, n_min=3, n_max=20, seed=1))
    model.eval().net.register_forward_pre_hook(lambda net, args: seen.append(args[0]))
    logits, local = model(jets), seen[0]
    if backbone == "part":
        package = particletransformer.ParticleTransformer(
            7, "8x0n+2x1n", 2, use_pre_activation_pair=False, pair_input_dim=4, remove_self_pair=True
        )
        p4 = torch.cat([local.p4[..., 1:], local.p4[..., :1]], dim=-1).mT
        inputs, frames = {"x": local.features().mT, "v": p4, "p_ref": local.p_ref}, local.frames
    else:
        convolutions = [(16, [width] * 3) for width in (64, 128, 256)]
        vectors = ["7x0n", "32x0n+8x1n", "64x0n+16x1n"]
        package = particlenet.ParticleNet(7, vectors, 2, convolutions, fc_params=[(256, 0.1)], use_fusion=False)
        features = local.features().mT
        inputs, frames = {"points": features[:, :2], "features": features}, local.frames.reshape(-1, 4, 4)
    package.double().eval().load_state_dict(model.net.state_dict())
    theirs = package(**inputs, frames=frames, mask=local.mask[:, None])
    assert_close(theirs, logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("backbone", SMALL)
def test_beams_break_the_symmetry_by_the_frames_alone(backbone):
    model, jets, seen = small(backbone, symmetry_breaking="beam").eval(), random_jets(4, n_min=8, n_max=8), []
    model.net.register_forward_pre_hook(lambda net, args: seen.append(args[0]))
    about_z = torch.eye(4, dtype=torch.float64)
    about_z[1:3, 1:3] = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert_close(model(transform(jets, about_z)), model(jets), rtol=1e-8, atol=1e-12)
    assert (model(transform(jets, random_lorentz(0.6))) - model(jets)).abs().max() > 1e-8
    assert seen[0].scalars.shape == jets.scalars.shape
    in_rest_frame = (rest_frame(jets.p4.sum(1)) @ jets.p4.mT).mT
    back = (seen[1].frames.inv @ seen[1].p4[..., None])[..., 0]
    assert_close(back, in_rest_frame, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("n", [1, 2])
def test_one_particle_and_two_back_to_back_look_the_same_in_every_frame(n):
    network = FrameVectors(3, 0, 8).double()
    predict = small("part", symmetry_breaking="none").frames
    predict.equivectors = network
    jets = random_jets(8, n_min=n, n_max=n, n_scalars=0)

    def features(batch):
        boost = rest_frame(batch.p4.sum(1))
        p4 = (boost @ batch.p4.mT).mT
        scalars = batch.scalars.double()
        return LocalJets.of(p4, p4.sum(1), predict(p4, scalars, mask=batch.mask), scalars, batch.mask).features()

    for seed in range(4):
        assert_close(features(transform(jets, random_lorentz(0.6, seed))), features(jets), rtol=0, atol=1e-6)


@pytest.mark.parametrize("backbone", SMALL)
def test_a_network_can_be_copied_after_a_batch_and_keeps_none_of_it(backbone):
    model = small(backbone)
    model(random_jets(4)).sum().backward()
    copy.deepcopy(model)
    kept = {key for layer in model.modules() for key, value in vars(layer).items() if isinstance(value, torch.Tensor)}
    assert kept <= {"entries"}  # a number, of the batch statistics


@pytest.mark.parametrize("backbone", SMALL)
def test_what_the_backbone_keeps_of_pairs_counts(backbone, monkeypatch):
    model, jets = small(backbone, symmetry_breaking="none"), random_jets(2, n_min=30, n_max=30)
    of_frames = 2 * 30**2 * 4 * 8 * 8
    monkeypatch.setattr(memory, "total", lambda: of_frames)
    with pytest.raises(ConfigError, match=r"a batch of 2 jets of up to 30 particles, which are 1,800 pairs, needs"):
        model(jets)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "gnn"}, "model.backbone must be one of transformer, part, particlenet, got gnn"),
        (
            {"backbone": "particlenet", "n_heads": 4},
            "model.n_heads is no size of model.backbone=particlenet: expected nu",
        ),
        ({"k": 4}, "model.k is no size of model.backbone=transformer: expected null, got 4"),
        ({"backbone": "part", "n_blocks": 0}, "model.n_blocks must be > 0, got 0"),
        ({"backbone": "particlenet", "channels": [12, 64]}, "model.channels must be multiples of 8"),
        ({"backbone": "particlenet", "channels": []}, "model.channels must be one or more widths > 0"),
        ({"dropout": 1.0}, "model.dropout must be in"),
    ],
)
def test_sizes_that_a_backbone_cannot_have_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        LLoCa(**options, n_scalars=2, n_classes=2)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(lorentz_packages, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^lloca is not installed; pip install 'hepexp\[lorentz\]'$"):
        LLoCa(n_scalars=2, n_classes=2)
