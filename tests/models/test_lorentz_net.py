"""LorentzNet against its equations, its published form, and the Lorentz group."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.bench.edge_list import EdgeListLorentzNet
from hepexp.errors import ConfigError
from hepexp.models.layers import particle_pairs
from hepexp.models.layers.cache_blocking import Chunk
from hepexp.models.lorentz_net import LorentzNet
from tests.jets import boost, random_jets, rotation, select, transform
from tests.published_lorentz_net import published_forward

SIZES = {"n_scalars": 8, "n_classes": 2}
SMALL = {"n_hidden": 12, "n_blocks": 3, "c": 1e-2, "dropout": 0.0} | SIZES
BROKEN = [torch.diag(torch.tensor(d)).tolist() for d in ([1.0, 0, 0, -1], [0, -1.0, -1, 0])]  # by the beams


def build(**change) -> LorentzNet:
    """A small network in float64 whose coordinates move well, with running statistics of a first batch."""
    torch.manual_seed(1)
    model = LorentzNet(**(SMALL | change)).double()
    for block in model.LGEBs[:-1]:
        nn.init.normal_(block.phi_x[2].weight, std=0.3)
    model(random_jets(16, n_max=20, seed=5))
    return model


def edge_list_of(model: LorentzNet) -> EdgeListLorentzNet:
    reference = EdgeListLorentzNet(**SMALL).double()
    reference.load_state_dict(model.state_dict())
    return reference


@pytest.fixture
def jets() -> JetBatch:
    return random_jets(multiplicity=torch.tensor([3, 60, 7, 1, 24, 2, 60, 11]))


def test_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in LorentzNet(**SIZES).parameters()) == 227_096


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("training", [True, False])
def test_plain_equals_the_edge_list_in_values_gradients_and_running_statistics(jets, training):
    ours = build(kernel="plain").train(training)
    reference = edge_list_of(ours).train(training)
    weight = torch.randn(len(jets), 2, dtype=torch.float64)
    (ours(jets) * weight).sum().backward()
    (reference(jets) * weight).sum().backward()
    assert_close(ours(jets), reference(jets), rtol=1e-10, atol=1e-12)
    assert_close(gradients(ours), gradients(reference), rtol=1e-10, atol=1e-10)
    assert_close(ours.state_dict(), reference.state_dict(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("metric", ["minkowski", "euclidean", BROKEN])
@pytest.mark.parametrize("variant", ["exact", "published"])
def test_fused_equals_plain(jets, variant, metric, training):
    without_padding = random_jets(multiplicity=torch.tensor([9] * 6))
    found = []
    for kernel in ("fused", "plain"):
        model = build(kernel=kernel, variant=variant, metric=metric).train(training)
        model = of_strong_steps(model) if variant == "published" else model
        logits = torch.cat([model(jets), model(without_padding)])
        (logits * torch.linspace(-1, 1, 2 * len(logits), dtype=torch.float64).view(-1, 2)).sum().backward()
        found.append((logits.detach(), gradients(model), model.state_dict()))
    assert_close(*found, rtol=1e-12, atol=1e-12)


def test_one_piece_for_all_jets_equals_chunks_on_two_threads(jets, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    found = []
    for split in (particle_pairs.split, lambda lengths, pairs: [Chunk(0, len(lengths), lengths[0])]):
        monkeypatch.setattr(particle_pairs, "split", split)
        model = build()
        model(jets).square().sum().backward()
        found.append(gradients(model))
    torch.set_num_threads(before)
    assert_close(*found, rtol=1e-12, atol=1e-12)


def of_strong_steps(model: LorentzNet) -> LorentzNet:
    """The model with phi_x so large that the clamp of the published code acts."""
    with torch.no_grad():
        for block in model.LGEBs[:-1]:
            block.phi_x[2].weight.mul_(1000)
    return model


@pytest.mark.parametrize("training", [True, False])
def test_published_is_the_published_forward_pass(jets, training):
    model = of_strong_steps(build(kernel="plain", variant="published", padded_length=64)).train(training)
    reference = edge_list_of(model).train(training)
    weight = torch.randn(len(jets), 2, dtype=torch.float64)
    ours, (published, clamped) = model(jets), published_forward(reference, jets, 64)
    assert clamped
    assert_close(ours, published, rtol=1e-10, atol=1e-10)
    (ours * weight).sum().backward()
    (published * weight).sum().backward()
    assert_close(gradients(model), gradients(reference), rtol=1e-8, atol=1e-10)
    assert_close(model.state_dict(), reference.state_dict(), rtol=1e-10, atol=1e-10)


def test_a_jet_with_more_particles_than_padded_length_keeps_them_all(jets):
    model = of_strong_steps(build(variant="published", padded_length=20)).eval()
    longest = select(jets, [1])  # 60 particles
    assert_close(model(longest), published_forward(edge_list_of(model).eval(), longest, 60)[0], rtol=1e-10, atol=1e-10)
    assert_close(model(longest), model(jets)[1:2], rtol=1e-10, atol=1e-10)


def random_boosts(n: int = 8) -> list[Tensor]:
    g = torch.Generator().manual_seed(3)
    return [boost(0.95 * k / n, torch.randn(3, generator=g, dtype=torch.float64)) for k in range(1, n + 1)]


def rotations(n: int = 8) -> list[Tensor]:
    g = torch.Generator().manual_seed(4)
    return [rotation(g) for _ in range(n)]


@pytest.mark.parametrize("group", [random_boosts, rotations])
def test_prediction_does_not_change_under_boosts_and_rotations(jets, group):
    model = build().eval()
    for matrix in group():
        assert_close(model(transform(jets, matrix)), model(jets), rtol=1e-8, atol=1e-12)


def test_euclidean_metric_keeps_rotations_and_breaks_boosts(jets):
    model = build(metric="euclidean").eval()
    for matrix in rotations():
        assert_close(model(transform(jets, matrix)), model(jets), rtol=1e-8, atol=1e-12)
    for matrix in random_boosts():
        assert (model(transform(jets, matrix)) - model(jets)).abs().max() > 1e-4
    assert not model.lorentz_invariant
    assert LorentzNet(**SMALL).lorentz_invariant
    assert not LorentzNet(variant="published", **SMALL).lorentz_invariant


def test_two_metrics_keep_boosts_along_and_rotations_about_the_beams_alone(jets):
    model = build(metric=BROKEN).eval()
    assert model.pair_names[::2] == ("psi(|x_i - x_j|^2), metric 1", "psi(<x_i, x_j>), metric 1")
    along = [boost(beta, torch.tensor([0.0, 0, 1], dtype=torch.float64)) for beta in (-0.99, 0.3, 0.95)]
    about = torch.eye(4, dtype=torch.float64)
    about[1:3, 1:3] = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    for kept in (*along, about, along[0] @ about):
        assert_close(model(transform(jets, kept)), model(jets), rtol=1e-8, atol=1e-12)
    for broken in (*random_boosts(), *rotations()):
        assert (model(transform(jets, broken)) - model(jets)).abs().max() > 1e-4
    assert not model.lorentz_invariant


def test_a_metric_is_used_as_given(jets):
    minkowski = [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0], [0, 0, 0, -1]]
    assert torch.equal(build(metric=minkowski).eval()(jets), build().eval()(jets))


def test_bfloat16_autocast_trains(jets):
    torch.manual_seed(1)
    model = LorentzNet(dropout=0.0, **SIZES)
    plain = model(jets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(jets)
    logits.float().square().sum().backward()
    assert_close(logits.float(), plain, rtol=0.1, atol=0.05)
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_inference_mode_gives_the_same_prediction(jets):
    model = build().eval()
    expected = model(jets)
    with torch.inference_mode():
        assert torch.equal(model(jets), expected)


def test_the_same_step_twice_is_the_same_to_the_last_digit(jets):
    found = []
    for _ in range(2):
        model = build().float()
        model(jets).square().sum().backward()
        found.append(gradients(model))
    assert_close(*found, rtol=0, atol=0)


def _rank(rank: int, file: str, jets: JetBatch, out) -> None:
    model = build()
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    part = JetBatch(**{name: value[rank::2] for name, value in jets.tensors().items()})
    logits = model(part)
    logits.square().sum().backward()
    out[rank] = (logits.detach(), gradients(model), model.state_dict())
    dist.destroy_process_group()


def test_two_ranks_compute_what_one_does(jets, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with mp.Manager() as manager:
        out = manager.dict()
        mp.spawn(_rank, (str(tmp_path / "store"), jets, out), nprocs=2)
        (even, g0, state), (odd, g1, _) = out[0], out[1]
    model = build()
    logits = model(jets)
    logits.square().sum().backward()
    assert_close(torch.stack([even, odd], dim=1).flatten(0, 1), logits.detach(), rtol=1e-10, atol=1e-12)
    assert_close(state, model.state_dict(), rtol=1e-10, atol=1e-12)
    for name, p in model.named_parameters():
        assert_close(g0[name] + g1[name], p.grad, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_hidden": -3}, "model.n_hidden must be > 0, got -3"),
        ({"n_blocks": 0}, "model.n_blocks must be > 0, got 0"),
        ({"c": 0.0}, "model.c must be > 0, got 0.0"),
        ({"variant": "published", "padded_length": 0}, "model.padded_length must be > 0, got 0"),
        ({"padded_length": 90}, "model.padded_length=90 needs model.variant=published, got exact"),
        ({"variant": "paper"}, "model.variant must be exact or published, got paper"),
        ({"kernel": "slow"}, "model.kernel must be fused or plain, got slow"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
        ({"metric": "riemann"}, "model.metric must be minkowski, euclidean, a symmetric 4x4"),
        ({"metric": [[1, 0], [0, 1]]}, "model.metric must be"),
        ({"metric": [BROKEN[0], [[1, 0], [0, 1]]]}, "model.metric must be"),
        ({"metric": [BROKEN[0], BROKEN[0]]}, "model.metric: several matrices must be linearly independent"),
        ({"metric": [[[]]]}, "model.metric must be"),
        ({"metric": [["1", "0", "0", "0"]] * 4}, "model.metric must be"),
        ({"metric": [[10**400, 0, 0, 0], *BROKEN[1][1:]]}, "model.metric must be"),
        ({"metric": [[1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}, "model.metric must be"),
    ],
)
def test_impossible_values_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        LorentzNet(**(SMALL | change))
