"""Every shipped model against the conformance suite; a new model is one line here."""

import pytest
import torch
from torch import nn

from hepexp.config.paths import conf_dir
from tests.devices import on_one_device
from tests.examples import EXAMPLES, random_graphs
from tests.models.conformance import Case, Conformance, GraphConformance, ImageConformance, ParticleConformance
from tests.models.conformance_generators import GeneratorConformance
from tests.unlike_classifiers import NO_DATA, NO_STEPS, OF_DECAYS, OF_ELEMENTS, OF_SHOWERS

CASES = [
    Case("lorentznet", n_parameters=227_096),
    # nine scalars more: 72 in the embedding, 6 x 72 in phi_h
    Case("lorentznet symmetry_breaking=both", n_parameters=227_096 + 9 * 7 * 72),
    # embedding 36, decoder 30; two blocks of phi_e 10, phi_m 11, phi_h 22 x 10 + 10 + 20 + 10 x 4 + 4; one phi_x 120
    Case("lorentznet n_hidden=4 n_blocks=2 c=0.01 quantum_blocks=[phi_e]", n_parameters=816),
    # circuits 10, 1, 10 and 10, the last three with linear layers of 11, 22 x 10 + 20 + 10 x 4 and 10
    Case("lorentznet n_hidden=4 n_blocks=2 c=0.01 quantum_blocks=[phi_e,phi_m,phi_h,phi_x]", n_parameters=710),
    Case("particlenet", n_parameters=366_160),
    Case("particlenet variant=qmlhep_2", n_parameters=409_666),
    Case("particlenet use_scalars=true", n_parameters=367_712),
    # the published size has its count in test_particle_transformer.py; here: embedding 2 x 15 + 2 x 15 + 15 x 8 + 8,
    # pairs 8, 2 (4 x 4 + 4 + 8) and 4 x 2 + 2 + 4, three blocks of 3 x 16 + 64 + 4 (8 x 8 + 8) + 2 (8 x 32) + 40 + 10,
    # norm 16, head 18, class token 8
    Case("part use_scalars=true n_blocks=2 n_class_blocks=1 n_heads=2 embed_widths=[8] pair_widths=[4,4]", 3_194),
    # the published sizes have theirs in test_mi_part.py; here: embedding 102,268, pairs 8, 20 + 8, 40 + 16 and 18 + 4,
    # 34,048 for norms and MLP of three blocks, with 64 x 64 + 8 for the first, 4 (64 x 64 + 64) + 2 for the others,
    # norm 128, head 130, class token 64
    Case("mi_part use_scalars=true n_mi_blocks=1 n_blocks=1 n_class_blocks=1 n_heads=2 pair_widths=[4,8]", 242_236),
    Case("particlenet_lite", n_parameters=26_416),  # published: 26k
    Case("pcnn", n_parameters=349_456),  # published: about 348k
    # batch norm 30, convolutions with their norms 192, 2 x 60, 90 and 126, shortcut 24, classifier 56 and 18
    Case("pcnn n_first=4 stages=[4,6] units_per_stage=1 n_hidden=8 use_scalars=true", n_parameters=656),
    Case("pct", n_parameters=171_202),
    # edge convolutions 20,992 and 20,864, attention 6,336 and 4,224, then 33,536, 33,152 and 258
    Case("pct n_blocks=1 k=3 use_scalars=true", n_parameters=119_362),
    # f_R 33 x 128 + 129 x 64 + 65 x 64, phi_O 81 x 128 + 129 x 64 + 65 x 64, phi_C 65 x 128 + 129 x 64 + 65 x 2
    Case("jedinet", n_parameters=56_130),
    Case("jedinet n_hidden=10 n_effects=6 n_features=6 activation=elu", n_parameters=879),
    # embedding 8 x 32, two blocks of 12 x 32^2 + 13 x 32, norm 64, classifier 66
    Case("transformer size=xs", n_parameters=25_794),
    Case("transformer size=xs use_scalars=true", n_parameters=26_050),
    # a LorentzNet, a transformer of size xs, and the weight
    Case("soft_lorentz", n_parameters=227_096 + 25_794 + 1),
    Case("efn", n_parameters=82_358),
    # Phi 400 + 10,100 + 12,928, convolutions 1,025 x 64 and 513 x 64, F 6,500 + 10,100 + 202
    Case("rpcn", n_parameters=138_662),  # 225 were measured, by the rounding of one processor
    Case(
        "rpcn n_rotations=3 phi_sizes=[32,32] conv_sizes=[32] f_sizes=[32] irc_safe=true",
        n_parameters=96 + 33 * 32 + 97 * 32 + 33 * 32 + 66,
    ),
    Case("pfn", n_parameters=82_458),
    Case("pfn use_scalars=true", n_parameters=83_258),
    # 132/78 and 60/35 channels have 208,498 and 48,327, see test_pelican.py
    Case("pelican size=xs", n_parameters=11_262),
    # without the ten channels of two scalars, 2 x 5 x 10 + 10 + 2 x 5, but with as many embedded ones
    Case("pelican size=xs symmetry_breaking=none", n_parameters=11_262 - 120 + 10),
    # 8 + 7 + 2 scalars in place of two
    Case("pelican size=xs symmetry_breaking=both use_scalars=true", n_parameters=11_262 + 15 * 55),
    # of the package lgatr; the sizes of the paper are in test_lgatr.py
    Case(
        "lgatr n_blocks=2 n_multivectors=4 n_hidden_scalars=16 n_heads=2 symmetry_breaking=none use_scalars=true",
        n_parameters=20_448,
    ),
    Case(
        "lgatr slim=true n_blocks=2 n_multivectors=8 n_hidden_scalars=16 n_heads=2 symmetry_breaking=none "
        "use_scalars=true",
        n_parameters=9_706,
    ),
    # inputs 4 x 9 and 4; radial functions 3 x 60 and 2 x 21 x (4 + 6 + 8); mixing 6 x 26, 8 x 111 and 6 x 32;
    # perceptrons 474, 824 and 474; classifier 24 x 2 + 2
    Case("lgn symmetry_breaking=none use_scalars=true scale=0.02", n_parameters=4_034),
    # frames of the scalars of two particles and an invariant: 17 x 8 + 8, 8 x 8 + 8 and 8 x 3; a transformer of width
    # 2 (4 + 4) from 8 + 8 inputs: 272, two blocks of 816 + 272 + 544 + 528, and 34
    Case(
        "lloca n_blocks=2 n_heads=2 n_head_scalars=4 n_frame_hidden=8 symmetry_breaking=none use_scalars=true",
        n_parameters=4_866,
    ),
    # frames 240; embedding 30, 30 + 15 x 16 + 16, 32 + 16 x 64 + 64 and 128 + 64 x 16 + 16; pairs 8, 4 x 64 + 3 x 64,
    # 2 (64^2 + 3 x 64) and 64 x 2 + 2 + 4; four blocks of 4 (16^2 + 16), 16 x 64 + 64, 64 x 16 + 16, norms 3 x 32
    # and 128, and 2 + 16; norm 32, class token 16, head 34
    Case(
        "lloca backbone=part n_blocks=2 n_heads=2 n_head_scalars=4 n_head_vectors=1 n_frame_hidden=8 "
        "symmetry_breaking=none use_scalars=true",
        n_parameters=240 + 2_604 + 9_166 + 4 * 3_458 + 82,
    ),
    # frames 240; norm 30; edge convolutions 16 (30 + 16 + 16) + 96 and 24 (32 + 24 + 24) + 144 with shortcuts
    # 15 x 16 + 32 and 16 x 24 + 48; classifier 600 and 50
    Case(
        "lloca backbone=particlenet channels=[16,24] k=5 n_frame_hidden=8 symmetry_breaking=none use_scalars=true",
        n_parameters=240 + 30 + 992 + 96 + 1_920 + 144 + 272 + 432 + 600 + 50,
    ),
    # convolutions without bias 9 (3 x 32 + 32 x 64 + 64 x 128), batch norms 2 (32 + 64 + 128), linear 128 x 2 + 2
    Case("cnn", n_parameters=93_730),
    # the same with four outputs
    Case("fidelity_net n_outputs=2", n_parameters=93_730),
    # twice as many convolutions: 9 (32 x 32 + 64 x 64 + 128 x 128) and 2 (32 + 64 + 128) more
    Case("cnn convs_per_stage=2", n_parameters=287_714),
    # ten convolutions 7,635,264; linear 512 x 64 + 64 and 64 x 2 + 2, as one pixel is left of 24 x 24
    Case("vgg12", n_parameters=7_668_226),
    # stem 49 x 3 x 16 + 16, blocks 3 x 4,640 + 14,432 + 3 x 18,496, linear 32 x 2 + 2
    Case("resnet15", n_parameters=86_274),
    # of the 1,265,531 of CMS I the first convolution has 27 more and the linear layer 21 x 512 x 2 less
    Case("resnet15 variant=cms_1 upsample=72", n_parameters=1_244_054),
    # six blocks 2,767,872, embedding 48 x 256 + 256, 37 positions and a class token of 256, two layer norms of 512,
    # head 65,792 and 256 x 2 + 2
    Case("vit", n_parameters=2_857_474),
    # convolutions 27 x 32 + 32 and 288 x 64 + 64, linear 5184 x 64 + 64, 64 x 4 + 4 and 4 x 2 + 2, angles 12
    Case("hybrid_cnn", n_parameters=351_514),
    # circuit 12, convolution 9 x 12 x 16 + 16, linear 16 x 6 x 6 x 64 + 64 and 64 x 2 + 2
    Case("quanvolution", n_parameters=38_814),
    # embedding 48 x 8 + 8 and 16, class token and 37 positions 304; two norms 32, attention 72 + 72 + 2 + 2, MLP
    # 18 + 2 + 24; norm 16, head 18 + 2 + 6
    # own and other 5 x 2 + 2 and 5 x 2, weights 2, skip 5 x 6, message 2 x 6 + 6; then 6 x 2 + 2, 6 x 2, 2, 6 x 5, 15;
    # head 5 x 2 + 2, 2 and 2 x 2 + 2
    Case("quantum_gnn channels=[6,5] n_qubits=2 n_layers=1", n_parameters=165),
    Case("quantum_vit patch=4 dim=8 n_blocks=1 n_heads=2 n_qubits=2 n_layers=1", n_parameters=978),
    Case("vit output_projection=true n_blocks=2 dropout=0.1", n_parameters=1_143_810),
    # 6 kernels from a scalar and 6 |G| from a regular field: 6 x 3 x 4 + 24 (4 x 4 + 4 x 4), norms 2 x 12, linear 10
    Case("steerable_cnn widths=[4,4,4] convs=[1,1,1]", n_parameters=874),
    # 6 x 3 x 2 + 48 (2 x 3 + 3 x 3), norms 2 x 8, linear 8
    Case("steerable_cnn group=D4 widths=[2,3] convs=[1,2]", n_parameters=780),
    # 6 kernels from and to a scalar, 24 between fields: 6 x 3 x 2, 24 x 2 x 3, 6 x 3 x 3, norms 4 x 5 + 6, linear 8
    Case("steerable_cnn group=SO2 widths=[2,3,3] convs=[1,1,1]", n_parameters=268),
    # 48 between fields: 6 x 3 x 2, 48 x 2 x 3, 6 x 3 x 3, norms 6 x 2 + 7 x 3 + 6, linear 8
    Case("steerable_cnn group=O2 widths=[2,3] convs=[1,2]", n_parameters=425),
    # without pseudoscalars 4 from a scalar, 13 to frequencies 0, 1, 2, 4 to a scalar; norms 4 x 5 + 6, thresholds 2 x 5
    Case("steerable_cnn group=O2 nonlinearity=norm max_frequency=3 widths=[2,3] convs=[1,2]", n_parameters=182),
    # filters between orders 0 and 1: 7 x 3 x 2, 14 x 2 x 3 and 7 x 3 x 3, norms 2 (4 + 6 + 3), linear 8
    Case("harmonic widths=[2,3,3] convs=[1,1,1]", n_parameters=223),
    # 9 (3 x 8 + 8 x 8 + 8 x 8), norms 2 x 24, linear 18
    Case("plain_cnn widths=[8,8,8] convs=[1,1,1]", n_parameters=1_434),
    # 8 x 64 + 64, 64 x 64 + 64 and 64 x 2 + 2
    Case("mlp", n_parameters=4_866),
    # 8 x 64 + 64, 64 x 32 + 32, 32 x 32 + 32, 32 x 2 + 2
    Case("trigger_mlp", n_parameters=3_778),
    Case("trigger_mlp sparsity=0.5", n_parameters=3_778),
    # with three node features 17,906, 18,418, 34,482, 42,738; here there are five: 2 x 64 weights more, in SAGE twice
    # 11 x 300, 301 x 300 and 301 x 100; then 301 x 100, 101 x 100 and 101 x 2
    Case("halo_gnn", n_parameters=164_102),
    Case("gcn", n_parameters=18_034),
    Case("gat", n_parameters=18_546),
    Case("sage", n_parameters=34_738),
    Case("gin", n_parameters=42_866),
]

# models that generate clouds; two classes and two variables are their conditions
GENERATORS = [
    # embedding (3 + 16) x 128 + 256, global (256 + 16) x 128 + 256 and 128 x 10 + 20; six layers of (266 + 16) x 128
    # + 256, 1,300, (138 + 16) x 128 + 256 and 128^2 + 256; head 128 x 3 + 6, all with weight norms
    Case("epic_fm", n_parameters=2_688 + 35_072 + 1_300 + 6 * 74_260 + 390),
    # as published but for the four conditions: 6 x 2 x 4 x 128 in the layers, 4 x 128 for the first global features
    Case("epic_gan", n_parameters=424_850 + 13 * 4 * 128),
    # two of three features are coordinates: embedding (1 + 1 + 4) x 256 + 256; nine layers of twice 3 x 256^2 + 4 x 256
    # for phi_e and phi_x, 257 for phi_inf, 3 x 256^2 + 512 for phi_h and 256 for the step; head 257
    Case("egnn", n_parameters=1_792 + 9 * (2 * 197_632 + 257 + 197_120 + 256) + 257),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
class TestModel(Conformance):
    pass


@pytest.mark.parametrize("case", [case for case in CASES if case.input == "particles"], ids=lambda case: case.text)
class TestModelOfParticles(ParticleConformance):
    pass


@pytest.mark.parametrize("case", [case for case in CASES if case.input == "image"], ids=lambda case: case.text)
class TestModelOfImages(ImageConformance):
    pass


@pytest.mark.parametrize("case", [case for case in CASES if case.input == "graph"], ids=lambda case: case.text)
class TestModelOfGraphs(GraphConformance):
    pass


@pytest.mark.parametrize("case", GENERATORS, ids=lambda case: case.text)
class TestGenerator(GeneratorConformance):
    pass


# models that give no classes, or those of images in random rotations, and generators of showers and decays; their own
# files test them
NOT_CLASSIFIERS = {
    *(NO_DATA | OF_ELEMENTS | OF_SHOWERS | OF_DECAYS | NO_STEPS),
    *("cathode", "conv_autoencoder", "feature_flow", "graph_encoder", "image_latent_flow", "jet_vrnn"),
    *("latent_classifier", "latent_flow", "lie_latents", "lie_momenta", "lie_points", "vae"),
}


def test_every_model_option_has_a_case():
    options = {path.stem for path in (conf_dir() / "model").glob("*.yaml")} - NOT_CLASSIFIERS
    assert options <= {case.text.split()[0] for case in (*CASES, *GENERATORS)}


# ---- the suite itself


class LeakyGraphModel(nn.Module):
    """A model of graphs that takes the mean over the nodes of all graphs when told to leak."""

    def __init__(self, leaks: bool) -> None:
        super().__init__()
        self.leaks = leaks
        self.linear = nn.Linear(5, 2, dtype=torch.float64)

    def forward(self, batch) -> torch.Tensor:
        source, target = batch.edge_index
        x = batch.x.double()
        h = self.linear(x.index_add(0, target, x[source]))
        pooled = torch.zeros(len(batch), 2, dtype=h.dtype).index_add(0, batch.graph, h)
        return pooled - h.mean(0) if self.leaks else pooled


@pytest.mark.parametrize("leaks", [False, True])
def test_the_suite_sees_whether_graphs_of_a_batch_mix(leaks: bool):
    class OfGraphs:
        examples = EXAMPLES["graph"]

    def check() -> None:
        Conformance().test_does_not_depend_on_other_examples_of_the_batch(
            OfGraphs, LeakyGraphModel(leaks), random_graphs(6)
        )

    if leaks:
        with pytest.raises(AssertionError):
            check()
    else:
        check()


@pytest.mark.parametrize("representation", EXAMPLES)
def test_selected_examples_are_those_of_the_batch(representation: str):
    examples = EXAMPLES[representation]
    batch = examples.random(6)
    some = examples.select(batch, [4, 1])
    assert some.index.tolist() == [4, 1]
    assert some.label.tolist() == batch.label[[4, 1]].tolist()
    assert len(examples.smallest()) == 5


MIXED = {
    "an index of the CPU": lambda x: x[torch.arange(2)],
    "a list as an index": lambda x: x[[1, 0]],
    "numbers of Python": lambda x: x * torch.tensor([1.0, 2.0], device=x.device),
    "numbers of its type": lambda x: x * x.new_tensor([1.0, 2.0]),
    "a copy that is waited for": lambda x: x * torch.ones(2).to(x.device),
}


@pytest.mark.parametrize("step", MIXED.values(), ids=MIXED)
def test_the_suite_sees_what_a_device_would_wait_for(step):
    x, constant = torch.zeros(2, 2, device="meta"), torch.ones(2)
    with on_one_device():
        allowed = x[:, :1] + constant.to(x.device, non_blocking=True) * torch.ones(2, device=x.device)
        assert allowed.shape == (2, 2)
        with pytest.raises(AssertionError, match="CPU"):
            step(x)
