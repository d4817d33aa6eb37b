"""Flow matching against the exact velocity field of normally distributed data."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from hepexp.batch import CloudBatch, FeatureBatch
from hepexp.errors import ConfigError
from hepexp.losses.flow_matching import FlowMatching
from tests.examples import SPEC, random_clouds, random_features

MEAN, SPREAD = 1.5, 0.4


class Exact(nn.Module):
    """The velocity E[(1 - s) z - x | y(t) = y] for independent x ~ N(MEAN, SPREAD^2) and z ~ N(0, 1)."""

    def __init__(self, s: float) -> None:
        super().__init__()
        self.s = s
        self.unused = nn.Parameter(torch.zeros(()))

    def forward(self, batch: FeatureBatch, t: torch.Tensor) -> torch.Tensor:
        a, b = (1 - t)[:, None], (self.s + (1 - self.s) * t)[:, None]
        variance = a**2 * SPREAD**2 + b**2
        covariance = (1 - self.s) * b - a * SPREAD**2
        return -MEAN + covariance / variance * (batch.features - a * MEAN)


def data(n: int) -> FeatureBatch:
    batch = random_features(n)
    batch.features = MEAN + SPREAD * batch.features.double()
    return batch


@pytest.mark.parametrize(("solver", "tolerance"), [("midpoint", 0.004), ("euler", 0.03)])
def test_the_exact_velocity_turns_noise_into_the_data(solver, tolerance):
    loss, n = FlowMatching(steps=40, solver=solver), 40_000
    made = loss.generate(Exact(loss.sigma_min), data(n), torch.Generator().manual_seed(1)).features
    assert made.mean().item() == pytest.approx(MEAN, abs=0.005 + tolerance)
    assert made.std().item() == pytest.approx(SPREAD, abs=0.003 + tolerance)


def test_the_midpoint_rule_is_of_second_order_at_least_and_euler_of_first():
    exact, errors = Exact(1e-4), {}
    batch = data(50)
    reference = FlowMatching(steps=2000).generate(exact, batch, torch.Generator().manual_seed(1)).features
    for solver in ("midpoint", "euler"):
        found = [
            FlowMatching(steps=n, solver=solver).generate(exact, batch, torch.Generator().manual_seed(1)).features
            for n in (80, 160)
        ]
        errors[solver] = [(one - reference).abs().mean().item() for one in found]
    assert errors["midpoint"][0] / errors["midpoint"][1] > 3.5  # for this field 8: its second-order error cancels
    assert errors["euler"][0] / errors["euler"][1] == pytest.approx(2, rel=0.2)


def test_no_other_field_has_a_smaller_loss_than_the_exact_one():
    loss, batch = FlowMatching().eval(), data(20_000)
    exact = loss.terms(Exact(loss.sigma_min), batch)[0]["loss"]
    for shift, scale in ((0.1, 1.0), (-0.1, 1.0), (0.0, 1.1), (0.0, 0.9)):

        def other(batch, t, shift=shift, scale=scale):
            return scale * Exact(loss.sigma_min)(batch, t) + shift

        assert loss.terms(other, batch)[0]["loss"] > exact


def test_padding_counts_neither_in_the_loss_nor_among_what_is_generated():
    loss, batch = FlowMatching(steps=2).eval(), random_clouds(5)

    def field(batch: CloudBatch, t: torch.Tensor) -> torch.Tensor:
        return batch.points * t[:, None, None]

    def spoilt(batch: CloudBatch, t: torch.Tensor) -> torch.Tensor:
        return torch.where(batch.mask[..., None], field(batch, t), 100.0)

    assert loss.terms(spoilt, batch)[0]["loss"] == loss.terms(field, batch)[0]["loss"]
    made = loss.generate(field, batch, torch.Generator().manual_seed(1))
    assert not made.points[~batch.mask].any()
    assert torch.equal(made.mask, batch.mask)


def test_validation_draws_the_same_times_and_noise_each_time():
    loss, batch = FlowMatching().eval(), data(100)
    field = Exact(loss.sigma_min)
    assert loss.terms(field, batch)[0]["loss"] == loss.terms(field, batch)[0]["loss"]
    loss.train()
    assert loss.terms(field, batch)[0]["loss"] != loss.terms(field, batch)[0]["loss"]


SLOPE, REST = 2.0, 0.3


class ExactInStages(nn.Module):
    """The first feature is N(MEAN, SPREAD^2), the second SLOPE times the first plus N(0, REST^2)."""

    stages = (1, 1)

    def __init__(self, s: float) -> None:
        super().__init__()
        self.s, self.first, self.asked = s, Exact(s), []
        self.unused = nn.Parameter(torch.zeros(()))

    def forward(self, batch: FeatureBatch, t: torch.Tensor, stage: int | None = None) -> torch.Tensor:
        if stage is None:
            return torch.cat([self(batch, t, 0), self(batch, t, 1)], 1)
        self.asked.append((stage, batch.features.clone()))
        if stage == 0:
            return self.first(replace(batch, features=batch.features[:, :1]), t)
        a, b = (1 - t)[:, None], (self.s + (1 - self.s) * t)[:, None]
        mean, y = SLOPE * batch.features[:, :1], batch.features[:, 1:]
        covariance = (1 - self.s) * b - a * REST**2
        return -mean + covariance / (a**2 * REST**2 + b**2) * (y - a * mean)


def in_two_stages(n: int) -> FeatureBatch:
    batch = data(n)
    first = batch.features[:, :1]
    batch.features = torch.cat([first, SLOPE * first + REST * (batch.features[:, 1:2] - MEAN) / SPREAD], dim=1)
    return batch


def test_stages_have_the_joint_distribution_of_the_data():
    loss, n = FlowMatching(steps=40), 40_000
    made = loss.generate(ExactInStages(loss.sigma_min), in_two_stages(n), torch.Generator().manual_seed(1)).features
    first, rest = made[:, 0], made[:, 1] - SLOPE * made[:, 0]
    assert first.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert first.std().item() == pytest.approx(SPREAD, abs=0.01)
    assert rest.mean().item() == pytest.approx(0, abs=0.01)
    assert rest.std().item() == pytest.approx(REST, abs=0.01)
    assert abs(torch.corrcoef(torch.stack([first, rest]))[0, 1].item()) < 0.02


def test_a_stage_sees_examples_before_it_and_nothing_behind():
    loss, model, batch = FlowMatching().eval(), ExactInStages(1e-4), in_two_stages(50)
    loss.terms(model, batch)
    (first, seen_first), (second, seen_second) = model.asked
    assert (first, second) == (0, 1)
    assert not seen_first[:, 1].any()
    assert torch.equal(seen_second[:, 0], batch.features[:, 0])
    assert not torch.equal(seen_second[:, 1], batch.features[:, 1])


def test_no_other_field_in_stages_has_a_smaller_loss():
    loss, batch = FlowMatching().eval(), in_two_stages(20_000)
    exact = loss.terms(ExactInStages(loss.sigma_min), batch)[0]["loss"]
    for moved in (0, 1):

        class Other(ExactInStages):
            def forward(self, batch, t, stage=None, moved=moved):
                return super().forward(batch, t, stage) + 0.1 * (stage == moved)

        assert loss.terms(Other(loss.sigma_min), batch)[0]["loss"] > exact


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"sigma_min": 1.0}, r"loss.sigma_min must be in \[0, 1\), got 1.0"),
        ({"steps": 0}, r"loss.steps must be from 1 to 100,000, got 0"),
        ({"solver": "heun"}, r"loss.solver must be midpoint or euler, got 'heun'"),
    ],
)
def test_values_out_of_range_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        FlowMatching(**keys)


def test_a_model_that_is_no_velocity_field_is_refused():
    class Classifier(nn.Module):
        def forward(self, batch):
            return batch.features[:, :2]

    with pytest.raises(ConfigError, match=r"needs a velocity field.*Classifier is none: choose model=epic_fm"):
        FlowMatching().prepare(Classifier(), random_features(1), SPEC)
