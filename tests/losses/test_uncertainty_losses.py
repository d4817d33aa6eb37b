"""Losses that know their doubt: closed forms of Dirichlet and normal distributions, reproducible passes."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import beta
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.uncertainty import of_networks
from hepexp.losses.bayesian import Bayesian
from hepexp.losses.evidential import Evidential, of_dirichlet
from hepexp.losses.mc_dropout import McDropout
from hepexp.losses.sampled import of_passes
from hepexp.losses.swag import Swag
from hepexp.models.layers.dropout_passes import dropping
from hepexp.models.layers.variational import Variational, make_variational
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.mi_part import MIParticleTransformer
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.pfn import PFN
from tests.jets import pad, permute, random_jets, select

SPEC = DataSpec(("qcd", "top"))


class Says(nn.Module):
    """A model that gives the same logits to every jet."""

    def __init__(self, *logits: float):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits, dtype=torch.float64))

    def forward(self, batch):
        return self.logits.expand(len(batch), -1)


def pfn(**more) -> PFN:
    torch.manual_seed(1)
    return PFN(phi_sizes=(8, 8), f_sizes=(8,), n_scalars=3, n_classes=2, **more).double()


def evaluated(loss, model):
    """The loss in evaluation, prepared with a model."""
    loss.prepare(model.eval(), random_jets(n_jets=1), SPEC)
    return loss.eval()


def test_the_mean_of_passes_is_that_of_several_networks():
    p = torch.from_numpy(np.random.default_rng(1).dirichlet(np.ones(3), (6, 10)))
    ours, theirs = of_passes(p), of_networks(p.numpy())
    for name, values in theirs.items():
        assert_close(ours[name], torch.from_numpy(values), rtol=0, atol=1e-12)


def test_the_evidential_loss_is_the_expected_log_likelihood_of_its_dirichlet_distribution():
    jets = random_jets()
    jets.label.fill_(1)
    model = Says(0.7, -0.4)
    alpha = (1 + torch.nn.functional.softplus(model.logits)).tolist()
    loss = Evidential(kl_weight=0)
    expected, _ = quad(lambda p: -math.log(p) * beta.pdf(p, alpha[1], alpha[0]), 0, 1)
    assert loss.terms(model, jets)[0]["loss"].item() == pytest.approx(expected, rel=1e-8)
    found = of_dirichlet(torch.tensor([alpha], dtype=torch.float64))
    entropy, _ = quad(lambda p: -(p * math.log(p) + (1 - p) * math.log(1 - p)) * beta.pdf(p, alpha[1], alpha[0]), 0, 1)
    assert found["aleatoric"].item() == pytest.approx(entropy, rel=1e-7)
    assert found["scores"][0, 1].item() == pytest.approx(alpha[1] / sum(alpha))


def test_the_penalty_is_on_evidence_for_the_wrong_class_and_rises_with_the_steps():
    """Of two classes KL(Beta(1, a) || uniform) = ln a + 1/a - 1."""
    jets = random_jets()
    jets.label.fill_(0)
    model, loss = Says(0.0, 3.0), Evidential(kl_weight=0.5, annealing_steps=4)
    a = 1 + math.log1p(math.exp(3.0))
    risk = loss.eval().terms(model, jets)[0]["loss"].item()
    loss.train()
    for _ in range(2):
        loss.terms(model, jets)
    half = loss.eval().terms(model, jets)[0]["loss"].item()
    assert half - risk == pytest.approx(0.5 * 0.5 * (math.log(a) + 1 / a - 1), rel=1e-9)
    assert loss.state_dict()["steps"] == 2


def test_much_evidence_has_no_epistemic_uncertainty_and_none_has_the_most():
    alpha = torch.tensor([[1.0, 1.0], [1e6, 1e6]], dtype=torch.float64)
    found = of_dirichlet(alpha)
    assert found["epistemic"][0].item() == pytest.approx(math.log(2) - 0.5)  # E[H] of a uniform p is 1/2
    assert found["epistemic"][1].item() == pytest.approx(0, abs=1e-6)


def test_dropout_passes_are_the_same_each_time_and_leave_modes_and_random_numbers_alone():
    jets, model = random_jets(), pfn()
    loss = evaluated(McDropout(rate=0.3, samples=5), model)
    plain = model(jets).softmax(-1)
    torch.manual_seed(3)
    first = loss.outputs(model, jets)
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))
    assert not any(module.training for module in model.modules())
    assert_close(loss.outputs(model, jets), first, rtol=0, atol=0)
    assert (first["spread"] > 0).all()
    assert_close(first["scores"].sum(1), torch.ones(len(jets), dtype=torch.float64))
    many = evaluated(McDropout(rate=0.01, samples=50), pfn()).outputs(model, jets)
    assert (many["scores"] - plain).abs().max() < 0.2
    with dropping(model, 0, torch.device("cpu")):
        assert model.phi[2].training


def particle_transformer() -> nn.Module:
    small = {"n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "embed_widths": [8], "pair_widths": [4, 4]}
    return ParticleTransformer(**small, dropout=0.3, n_scalars=8, n_classes=2)


def mi_part() -> nn.Module:
    small = {"n_mi_blocks": 1, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "pair_widths": [4, 8]}
    return MIParticleTransformer(**small, dropout=0.3, n_scalars=8, n_classes=2)


def lorentz_net() -> nn.Module:
    return LorentzNet(n_hidden=8, n_blocks=2, c=0.05, dropout=0.3, n_scalars=8, n_classes=2)


@pytest.mark.parametrize("make", [pfn, particle_transformer, mi_part, lorentz_net])
def test_a_dropout_pass_is_one_network_whatever_the_batch_the_order_and_the_padding(make):
    torch.manual_seed(1)
    jets, model = random_jets(), make().double()
    loss = evaluated(McDropout(rate=0.3, samples=4), model)
    together = loss.outputs(model, jets)["scores"]
    for other in (permute(jets), pad(jets, 4)):
        assert_close(loss.outputs(model, other)["scores"], together, rtol=0, atol=1e-10)
    alone = loss.outputs(model, select(jets, [5, 2]))["scores"]
    assert_close(alone, together[[5, 2]], rtol=0, atol=1e-10)


def test_batch_statistics_stay_fixed_in_dropout_passes():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5)).eval()
    with dropping(model, 1, torch.device("cpu")):
        model(torch.randn(20, 3) + 5)
        assert model[1].training
    assert torch.equal(model[0].running_mean, torch.zeros(3))


def test_of_a_model_without_dropout_nothing_is_drawn():
    with pytest.raises(ConfigError, match="PFN predicts the same in each pass: it has no dropout; set loss"):
        evaluated(McDropout(rate=0), pfn())


def test_each_pass_of_a_bayesian_network_is_one_network_whatever_the_batch():
    jets, model = random_jets(), pfn()
    loss = evaluated(Bayesian(sigma=0.3, samples=4), model)
    together = loss.outputs(model, jets)
    assert (together["epistemic"] > 0).all()
    there = {field.name: getattr(jets, field.name) for field in fields(jets)}
    few = replace(jets, **{name: value[:3] for name, value in there.items() if isinstance(value, torch.Tensor)})
    alone = loss.outputs(model, few)
    assert_close(alone["scores"], together["scores"][:3], rtol=0, atol=1e-12)


def test_the_divergence_of_the_weights_is_that_of_torch():
    layer = Variational(nn.Linear(3, 2), sigma=0.2, prior_sigma=1.5, number=0)
    q = torch.distributions.Normal(layer.weight, layer.log_sigma.exp())
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.5)).sum()
    assert_close(layer.kl(), expected)


def test_the_bound_has_the_divergence_over_the_number_of_examples():
    jets, model = random_jets(), pfn()
    loss = Bayesian(sigma=1e-8, kl_weight=0.5)
    layers = make_variational(model, 1e-8, 1.0)
    loss.n_train = 1000
    terms, _ = loss.train().terms(model.train(), jets)
    kl = sum(layer.kl() for layer in layers)
    charged = torch.nn.functional.cross_entropy(model.eval()(jets), jets.label)
    assert_close(terms["loss"], charged + 0.5 * kl / 1000, rtol=1e-6, atol=1e-6)
    assert_close(terms["kl_of_weights"], kl)


def test_a_variational_layer_finds_the_best_normal_approximation_of_a_linear_problem():
    """y = X w + noise: the posterior is N(m, P^-1), P = X^T X / s^2 + 1; independent widths are best at P_ii^-1/2."""
    rng = torch.Generator().manual_seed(4)
    n, s = 40, 0.5
    X = torch.randn(n, 3, generator=rng, dtype=torch.float64)
    X[:, 1] += 0.7 * X[:, 0]  # correlated
    y = X @ torch.tensor([1.0, -0.5, 0.3], dtype=torch.float64) + s * torch.randn(n, generator=rng, dtype=torch.float64)
    precision = X.T @ X / s**2 + torch.eye(3, dtype=torch.float64)
    exact = torch.linalg.solve(precision, X.T @ y / s**2)
    torch.manual_seed(5)
    layer = Variational(nn.Linear(3, 1, bias=False).double(), 0.1, 1.0, 0).train()
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
    many = X.repeat(20, 1)
    for _ in range(1500):
        optimizer.zero_grad()
        squares = (layer(many)[:, 0] - y.repeat(20)) ** 2
        (squares.sum() / 20 / (2 * s**2) + layer.kl()).backward()
        optimizer.step()
        schedule.step()
    widths = precision.diagonal() ** -0.5
    assert_close(layer.weight.detach()[0], exact, rtol=0, atol=0.1 * widths.min().item())
    assert_close(layer.log_sigma.exp().detach()[0], widths, rtol=0.05, atol=0)


def test_networks_are_looked_at_at_even_distances_over_the_end_of_the_training():
    model = Says(0.0, 1.0)
    loss = evaluated(Swag(first=0.5, snapshots=10, rank=4), model)
    seen = []
    for step in range(1, 101):
        before = int(loss.moments.n)
        loss.after_step(model, step / 100)
        seen += [step] * (int(loss.moments.n) - before)
    assert seen == list(range(55, 101, 5))


def test_networks_that_do_not_differ_have_no_spread_and_those_that_do_have_that_of_their_logits():
    """Logits (0, w), w = +-1: the drawn w have the variance (s^2 + D^2 / (K - 1)) / 2."""
    jets, model = random_jets(), Says(0.0, 1.0)
    loss = evaluated(Swag(snapshots=2, rank=2, samples=4000), model)
    assert (loss.outputs(model, jets)["spread"] == 0).all()
    for step in (0.75, 1.0):
        loss.after_step(model, step)
    assert loss.outputs(model, jets)["epistemic"].abs().max() < 1e-12
    other = evaluated(Swag(snapshots=2, rank=2, samples=4000), model)
    for w in (1.0, -1.0):
        with torch.no_grad():
            model.logits[1] = w
        other.moments.add(model)
    found = other.outputs(model, jets)
    variance = (1 + 1) / 2  # m = 0, s^2 = 1; D = (0, -1) as the first is its own mean
    w = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    density = torch.distributions.Normal(0, variance**0.5).log_prob(w).exp()
    spread = (density * (w.sigmoid() - 0.5) ** 2).sum().div(density.sum()).sqrt().item()
    assert found["spread"][0, 1].item() == pytest.approx(spread, rel=0.05)
    assert found["scores"][0, 1].item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: McDropout(rate=1.0), r"loss.rate must be in \[0, 1\), got 1.0"),
        (lambda: McDropout(samples=1), "loss.samples must be >= 2, got 1"),
        (lambda: Bayesian(sigma=0), "loss.sigma must be > 0, got 0"),
        (lambda: Bayesian(kl_weight=-1), "loss.kl_weight must be >= 0, got -1"),
        (lambda: Evidential(annealing_steps=-1), "loss.annealing_steps must be >= 0, got -1"),
        (lambda: Swag(first=1.0), r"loss.first must be in \[0, 1\), got 1.0"),
        (lambda: Swag(snapshots=1), "loss.snapshots must be >= 2, got 1"),
        (lambda: Swag(snapshots=5, rank=6), "loss.rank must be between 2 and loss.snapshots, 5, got 6"),
        (lambda: Swag(scale=-1), r"loss.scale must be in \[0, 100\], got -1"),
        (lambda: evaluated(Bayesian(), Says(0.0, 1.0)), "Says has no linear layers or convolutions of its own"),
    ],
)
def test_values_that_make_no_sense_are_refused(make, said):
    with pytest.raises(ConfigError, match=said):
        make()
