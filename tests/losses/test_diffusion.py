"""Diffusion against the exact noise of normally distributed data."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from hepexp.batch import CloudBatch, FeatureBatch
from hepexp.errors import ConfigError
from hepexp.losses.diffusion import Diffusion
from hepexp.losses.noise_schedule import LEAST_RATIO, polynomial_schedule
from tests.examples import SPEC, random_clouds, random_features

MEAN, SPREAD = 1.5, 0.4


class Exact(nn.Module):
    """The noise E[noise | z_t = z] in examples x ~ N(MEAN, SPREAD^2), or the velocity in its place."""

    def __init__(self, loss: Diffusion) -> None:
        super().__init__()
        self.loss = loss
        self.unused = nn.Parameter(torch.zeros(()))

    def forward(self, batch: FeatureBatch, t: torch.Tensor) -> torch.Tensor:
        level = (t * self.loss.n_levels).round().long()
        alpha, sigma = self.loss.alpha[level][:, None], self.loss.sigma[level][:, None]
        above, variance = batch.features - alpha * MEAN, alpha**2 * SPREAD**2 + sigma**2
        noise, x = sigma * above / variance, MEAN + alpha * SPREAD**2 * above / variance
        return noise if self.loss.predicts == "noise" else alpha * noise - sigma * x


def data(n: int) -> FeatureBatch:
    batch = random_features(n)
    batch.features = MEAN + SPREAD * batch.features.double()
    return batch


# ---- the schedule


@pytest.mark.parametrize(("n_levels", "precision"), [(1000, 1e-5), (50, 1e-4), (2, 1e-5), (1, 0.1)])
def test_the_signal_falls_at_each_level_from_one_precision_to_the_other(n_levels, precision):
    alpha2 = polynomial_schedule(n_levels, precision)
    log_snr = alpha2.log() - (1 - alpha2).log()
    assert (log_snr.diff() < 0).all()
    assert log_snr[0].item() == pytest.approx(math.log((1 - precision) / precision), rel=1e-9)
    assert alpha2[-1].item() == pytest.approx(precision + (1 - 2 * precision) * clipped_end(n_levels), rel=1e-9)


def clipped_end(n_levels: int) -> float:
    """f(T)^2 = 0 as the least multiple of f(T - 1)^2."""
    return LEAST_RATIO * (1 - (1 - 1 / n_levels) ** 2) ** 2


def test_the_schedule_is_the_square_of_a_parabola_but_for_the_last_step():
    alpha2 = polynomial_schedule(1000, 1e-5)[:-1]
    f = 1 - (torch.arange(1000).double() / 1000) ** 2
    assert (alpha2 - ((1 - 2e-5) * f**2 + 1e-5)).abs().max() < 1e-12


# ---- the process


def test_examples_noised_to_any_level_have_the_stated_mean_and_variance():
    loss, n = Diffusion(n_levels=20, steps=20, val_steps=5), 40_000
    random = torch.Generator().manual_seed(0)
    x = torch.tensor([2.0, -0.5], dtype=torch.float64)
    for level in range(21):
        noise = torch.randn(n, 2, generator=random, dtype=torch.float64)
        z = loss.noised(x.expand(n, 2), noise, torch.full((n,), level))
        mean, sigma = loss.alpha[level] * x, loss.sigma[level].item()
        assert (loss.alpha[level] ** 2).item() + sigma**2 == pytest.approx(1, abs=1e-12)
        assert ((z.mean(0) - mean).abs() < 4 * sigma / n**0.5).all()
        assert ((z.std(0) / sigma - 1).abs() < 4 / (2 * n) ** 0.5).all()


def test_steps_from_level_to_level_noise_as_much_as_one():
    """z_t given z_u has the mean a z_u and the variance v of the sampler: the two compose to z_t given x."""
    loss = Diffusion(n_levels=20, steps=20, val_steps=5)
    left, noise = loss.alpha[0], loss.sigma[0] ** 2
    for u in range(20):
        a = loss.alpha[u + 1] / loss.alpha[u]
        v = loss.sigma[u + 1] ** 2 - a**2 * loss.sigma[u] ** 2
        assert v > 0
        left, noise = a * left, a**2 * noise + v
        assert left.item() == pytest.approx(loss.alpha[u + 1].item(), rel=1e-12)
        assert noise.item() == pytest.approx(loss.sigma[u + 1].item() ** 2, rel=1e-12)


# ---- the sampler


@pytest.mark.parametrize("predicts", ["noise", "velocity"])
def test_with_the_exact_noise_the_ancestral_sampler_returns_the_data(predicts):
    loss, n = Diffusion(predicts=predicts), 4_000
    made = loss.generate(Exact(loss), data(n), torch.Generator().manual_seed(1)).features
    error = SPREAD / made.numel() ** 0.5
    assert made.mean().item() == pytest.approx(MEAN, abs=4 * error + 0.002)
    assert made.std().item() == pytest.approx(SPREAD, abs=4 * error / 2**0.5 + 0.002)
    standard = (made - MEAN) / SPREAD
    assert (standard**4).mean().item() == pytest.approx(3, abs=0.15)
    assert torch.corrcoef(made.T).fill_diagonal_(0).abs().max() < 5 / n**0.5


@pytest.mark.parametrize("predicts", ["noise", "velocity"])
def test_without_new_noise_each_example_follows_the_exact_path_to_first_order(predicts):
    """(z_t - alpha_t m) / sqrt(alpha_t^2 s^2 + sigma_t^2) is constant along the flow of probability."""
    batch, errors = data(200), []
    for steps in (100, 200):
        loss = Diffusion(predicts=predicts, sampler="ddim", steps=steps)
        start = loss._noise(batch, torch.Generator().manual_seed(1))
        alpha, sigma = loss.alpha[-1], loss.sigma[-1]
        expected = MEAN + SPREAD * (start - alpha * MEAN) / (alpha**2 * SPREAD**2 + sigma**2) ** 0.5
        made = loss.generate(Exact(loss), batch, torch.Generator().manual_seed(1)).features
        errors.append((made - expected).abs().mean().item())
    assert errors[1] < 0.02 * SPREAD
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.3)


def test_fewer_steps_after_an_epoch_take_as_many_evaluations():
    loss, asked = Diffusion(sampler="ddim", steps=10, val_steps=3), []

    def field(batch: FeatureBatch, t: torch.Tensor) -> torch.Tensor:
        asked.append(t[0].item())
        return torch.zeros_like(batch.features)

    loss.generate(field, data(2), torch.Generator().manual_seed(1), quick=True)
    assert asked == pytest.approx([1, 0.667, 0.333, 0])
    asked.clear()
    loss.generate(field, data(2), torch.Generator().manual_seed(1))
    assert asked == pytest.approx([k / 10 for k in range(10, -1, -1)])


# ---- the loss


def test_the_exact_noise_has_the_loss_that_is_known_and_no_other_has_a_smaller_one():
    loss, batch = Diffusion().eval(), data(20_000)
    exact = loss.terms(Exact(loss), batch)[0]["loss"].item()
    signal = loss.alpha**2 * SPREAD**2
    assert exact == pytest.approx((signal / (signal + loss.sigma**2)).mean().item(), rel=0.02)
    for shift, scale in ((0.1, 1.0), (-0.1, 1.0), (0.0, 1.1), (0.0, 0.9)):

        def other(batch, t, shift=shift, scale=scale):
            return scale * Exact(loss)(batch, t) + shift

        assert loss.terms(other, batch)[0]["loss"] > exact
    nothing = loss.terms(lambda batch, t: torch.zeros_like(batch.features), batch)[0]["loss"]
    assert nothing.item() == pytest.approx(1, rel=0.02)


def test_no_other_velocity_has_a_smaller_loss_than_the_exact_one():
    loss, batch = Diffusion(predicts="velocity").eval(), data(20_000)
    exact = loss.terms(Exact(loss), batch)[0]["loss"].item()
    signal = loss.alpha**2 * SPREAD**2
    assert exact == pytest.approx((SPREAD**2 / (signal + loss.sigma**2)).mean().item(), rel=0.02)
    for shift in (-0.1, 0.1):
        assert loss.terms(lambda batch, t, shift=shift: Exact(loss)(batch, t) + shift, batch)[0]["loss"] > exact


def test_an_error_of_the_velocity_is_not_magnified_and_one_of_the_noise_is():
    """By alpha_u / alpha_t in each step, in the first of 100 by six."""
    batch, errors = data(100), {}
    for predicts in ("noise", "velocity"):
        loss = Diffusion(predicts=predicts, sampler="ddim", steps=100)
        made = [
            loss.generate(lambda b, t, e=e, loss=loss: Exact(loss)(b, t) + e, batch, torch.Generator().manual_seed(1))
            for e in (0.0, 0.01)
        ]
        errors[predicts] = (made[1].features - made[0].features).abs().mean().item()
    assert errors["velocity"] < 0.01
    assert errors["noise"] > 4 * errors["velocity"]


def test_validation_draws_the_same_levels_and_noise_each_time():
    loss, batch = Diffusion().eval(), data(100)
    assert loss.terms(Exact(loss), batch)[0]["loss"] == loss.terms(Exact(loss), batch)[0]["loss"]
    loss.train()
    assert loss.terms(Exact(loss), batch)[0]["loss"] != loss.terms(Exact(loss), batch)[0]["loss"]


def test_padding_counts_neither_in_the_loss_nor_among_what_is_generated():
    loss, batch = Diffusion(steps=2, val_steps=1).eval(), random_clouds(5)

    def field(batch: CloudBatch, t: torch.Tensor) -> torch.Tensor:
        return batch.points * t[:, None, None].to(batch.points.dtype)

    def spoilt(batch: CloudBatch, t: torch.Tensor) -> torch.Tensor:
        return torch.where(batch.mask[..., None], field(batch, t), 100.0)

    assert loss.terms(spoilt, batch)[0]["loss"] == loss.terms(field, batch)[0]["loss"]
    made = loss.generate(field, batch, torch.Generator().manual_seed(1))
    assert not made.points[~batch.mask].any()
    assert torch.equal(made.mask, batch.mask)


# ---- coordinates without an origin


class Drifting(nn.Module):
    """Noise with a mean over the points, which a generator must not follow."""

    def forward(self, batch: CloudBatch, t: torch.Tensor) -> torch.Tensor:
        return torch.where(batch.mask[..., None], 0.9 * batch.points + 0.3, 0)


@pytest.fixture
def of_coordinates() -> Diffusion:
    """For clouds whose first two features are coordinates."""
    loss = Diffusion(n_levels=100, steps=100)
    loss.prepare(Drifting(), random_clouds(1), replace(SPEC, n_coordinates=2))
    return loss


@pytest.mark.parametrize("predicts", ["noise", "velocity"])
@pytest.mark.parametrize("sampler", ["ancestral", "ddim"])
def test_what_is_generated_has_its_centre_at_zero_to_rounding(of_coordinates, sampler, predicts):
    of_coordinates.sampler, of_coordinates.predicts = sampler, predicts
    batch = random_clouds(50)
    made = of_coordinates.generate(Drifting(), batch, torch.Generator().manual_seed(1))
    mean = made.points.sum(1) / batch.mask.sum(1, keepdim=True)
    assert mean[:, :2].abs().max() < 1e-12 * made.points.abs().max()
    assert mean[:, 2].abs().min() > 1e-3  # no coordinate
    assert not made.points[~batch.mask].any()


def test_noise_without_mean_is_standard_normal_in_what_is_left(of_coordinates):
    """N points have N - 1 dimensions: the sum of their squares is N - 1 on average, and so is its variance over 2."""
    n = 6
    batch = random_clouds(20_000, counts=torch.full((20_000,), n))
    noise = of_coordinates._noise(batch, torch.Generator().manual_seed(1))
    assert noise[..., :2].mean(1).abs().max() < 1e-13
    squares = noise.square().sum(1)
    for feature, free in ((0, n - 1), (1, n - 1), (2, n)):
        assert squares[:, feature].mean().item() == pytest.approx(free, rel=0.02)
        assert squares[:, feature].var().item() == pytest.approx(2 * free, rel=0.05)


def test_a_mean_of_what_the_network_finds_costs_nothing(of_coordinates):
    """Nothing can be learnt of it, as the noise has none."""
    batch, of_coordinates = random_clouds(50), of_coordinates.eval()
    moved = torch.tensor([3.0, -1.0, 0.0], dtype=torch.float64)

    def shifted(batch: CloudBatch, t: torch.Tensor) -> torch.Tensor:
        return Drifting()(batch, t) + moved

    losses = [of_coordinates.terms(field, batch)[0]["loss"].item() for field in (Drifting(), shifted)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


# ---- what is refused


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_levels": 0}, r"loss.n_levels must be from 1 to 100,000, got 0"),
        ({"precision": 0.0}, r"loss.precision must be from 1e-12 to 0.1, got 0.0"),
        ({"predicts": "x"}, r"loss.predicts must be noise or velocity, got 'x'"),
        ({"sampler": "heun"}, r"loss.sampler must be ancestral or ddim, got 'heun'"),
        ({"steps": 0}, r"loss.steps must be from 1 to loss.n_levels=1000, got 0"),
        ({"val_steps": 1001}, r"loss.val_steps must be from 1 to loss.n_levels=1000, got 1001"),
    ],
)
def test_values_out_of_range_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        Diffusion(**keys)


def test_a_model_that_finds_no_noise_is_refused():
    class Classifier(nn.Module):
        def forward(self, batch):
            return batch.features[:, :2]

    with pytest.raises(ConfigError, match=r"needs a model that finds noise.*Classifier is none: choose model=epic_fm"):
        Diffusion().prepare(Classifier(), random_features(1), SPEC)


def test_a_model_that_makes_features_in_stages_is_refused():
    class InStages(nn.Module):
        stages = (1, 1)

        def forward(self, batch, t, stage=None):
            return batch.features

    with pytest.raises(ConfigError, match="makes all features at once, InStages makes them in stages"):
        Diffusion().prepare(InStages(), random_features(1), SPEC)
