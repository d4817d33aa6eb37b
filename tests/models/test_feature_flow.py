"""Flows of features: inverses, normalisation, and the density of a normal distribution that depends on a condition."""

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.losses.flow_nll import same_numbers
from hepexp.models.cathode import Cathode
from hepexp.models.feature_flow import FeatureFlow
from hepexp.models.layers.logit_box import LogitBox
from tests.examples import EXAMPLES

pytest.importorskip("zuko")


def features(n: int, n_variables: int = 2) -> torch.Tensor:
    """Normal variables around half of the condition, which is the last."""
    random = torch.Generator().manual_seed(1)
    c = torch.rand(n, 1, generator=random, dtype=torch.float64)
    return torch.cat([0.5 * c + 0.3 * torch.randn(n, n_variables, generator=random, dtype=torch.float64), c], 1)


def flow(n_variables: int = 2, **keys) -> FeatureFlow:
    torch.manual_seed(2)
    made = FeatureFlow(widths=(16,), n_features=n_variables + 1, **keys).double()
    made.take_scales(features(500, n_variables))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))  # not the identity that a flow begins with
    return made.eval()


def test_the_box_has_an_inverse_and_the_slope_of_autograd():
    box = LogitBox(3).double()
    x = features(200, 3)[:, :3]
    box.take(x)
    v = box(x)
    assert_close(box.inverse(v), x)
    assert_close(v.mean(0), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
    assert_close(v.std(0, correction=0), torch.ones(3, dtype=torch.float64))
    slopes = torch.func.vmap(torch.func.jacrev(box))(x)
    assert_close(box.log_slope(x), torch.linalg.slogdet(slopes).logabsdet)
    outside = box(x.max(0).values + 100)
    assert outside.isfinite().all()


@pytest.mark.parametrize("kind", ["spline", "affine"])
def test_the_flow_has_an_inverse_whose_slope_is_its_own_to_the_minus_one(kind):
    made, x = flow(kind=kind), features(50)
    transform = made.flow(made._condition(x)).transform
    v = made.box(x[:, :-1])
    z, slope = transform.call_and_ladj(v)
    back, inverse_slope = transform.inv.call_and_ladj(z)
    assert_close(back, v, rtol=0, atol=1e-6)
    assert_close(inverse_slope, -slope, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["spline", "affine"])
def test_the_density_is_normalised_over_the_box_for_each_condition(kind):
    made = flow(kind=kind)
    n = 150
    share = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    low, high = made.box.low, made.box.high
    x, y = (low[k] + (high - low)[k] * share for k in (0, 1))
    grid = torch.stack([*(g.flatten() for g in torch.meshgrid(x, y, indexing="ij"))], 1)
    for c in (0.1, 0.9):
        points = torch.cat([grid, torch.full((len(grid), 1), c, dtype=torch.float64)], 1)
        total = made.log_prob(points).exp().sum().item() * ((high - low) / n).prod().item()
        assert total == pytest.approx(1, abs=0.01)


def test_samples_have_the_moments_of_the_density_and_are_the_same_for_the_same_batch():
    made = flow(n_variables=1)
    n = 20_000
    c = torch.full((n, 2), 0.4, dtype=torch.float64)
    batch = EXAMPLES["features"].random(4)
    with torch.no_grad(), same_numbers(batch):
        drawn = made.sample(c)
    with torch.no_grad(), same_numbers(batch):
        assert torch.equal(made.sample(c), drawn)
    x = torch.linspace(made.box.low[0], made.box.high[0], 4001, dtype=torch.float64)[1:-1]
    density = made.log_prob(torch.stack([x, torch.full_like(x, 0.4)], 1)).exp().detach()
    density /= density.sum()
    mean = (density * x).sum()
    variance = (density * (x - mean) ** 2).sum()
    assert abs(drawn.mean() - mean) < 5 * (variance / n).sqrt()
    assert_close(drawn.var(), variance, rtol=0.08, atol=0)


def test_maximum_likelihood_finds_the_entropy_of_a_normal_distribution_around_its_condition():
    """E[-ln p] of N(c / 2, 0.3) is ln(0.3 sqrt(2 pi e))."""
    torch.manual_seed(3)
    made, x = FeatureFlow(kind="affine", n_transforms=2, widths=(16,), n_features=2).double(), features(4000, 1)
    made.take_scales(x)
    optimizer = torch.optim.Adam(made.parameters(), lr=1e-2)
    for step in range(300):
        optimizer.zero_grad()
        (-made.log_prob(x[step % 4 :: 4]).mean()).backward()
        optimizer.step()
    random = torch.Generator().manual_seed(4)
    c = torch.rand(4000, 1, generator=random, dtype=torch.float64)
    new = torch.cat([0.5 * c + 0.3 * torch.randn(4000, 1, generator=random, dtype=torch.float64), c], 1)
    inside = (new[:, 0] > made.box.low) & (new[:, 0] < made.box.high)
    found = -made.log_prob(new[inside]).mean().item()
    assert found == pytest.approx(math.log(0.3 * math.sqrt(2 * math.pi * math.e)), abs=0.05)


def test_the_classifier_does_not_see_the_condition_and_leaves_the_flow_as_it_is():
    made = Cathode(flow(), widths=(8,), n_classes=2).double()
    batch = EXAMPLES["features"].random(6)
    batch.features = features(6)
    found = made.eval()(batch)
    batch.features[:, -1] += 0.5
    assert_close(made(batch), found, rtol=0, atol=0)
    assert not any(parameter.requires_grad for parameter in made.flow.parameters())
    assert not made.train().flow.training
    assert made.of_samples(batch).shape == (6, 2)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"n_transforms": 0}, "model.n_transforms must be between 1 and 100, got 0"),
        ({"bins": 1}, "model.bins must be between 2 and 100, got 1"),
        ({"widths": ()}, "model.widths must be one or more widths > 0"),
        ({"n_features": 1}, "needs two features or more"),
    ],
)
def test_values_out_of_range(keys, said):
    with pytest.raises(ConfigError, match=said):
        FeatureFlow(**{"n_features": 3, **keys})
