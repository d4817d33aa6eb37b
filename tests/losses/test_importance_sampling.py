"""Losses of a density whose divergence from an integrand is known, and figures of weights that are known."""

import numpy as np
import pytest
import torch

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.importance_sampling import ImportanceSamplingEvaluator, largest
from hepexp.losses.importance_sampling import ImportanceSampling
from hepexp.models.spline_flow import SplineFlow
from hepexp.physics import vegas_grid
from hepexp.physics.integrands import Integrand, ThreeJets

pytest.importorskip("vegas")


class Ramp(Integrand):
    """f(r) = 2 r_1: of integral 1, variance 1/3 for flat points, divergence E 2r ln 2r = ln 2 - 1/2."""

    process, observables = "ramp", (("r", "r"),)

    def __call__(self, r):
        r = r.double()
        return 2 * r[:, 0], r[:, None, :]

    def squared(self, p):
        raise NotImplementedError

    passes = squared

    def observe(self, p):
        return p[:, 0, :1]

    def exact(self):
        return 1.0


def made(divergence: str = "variance", **keys) -> tuple[ImportanceSampling, SplineFlow]:
    torch.manual_seed(0)
    objective = ImportanceSampling(Ramp(1.0, 2), divergence, **keys)
    model = SplineFlow(n_bins=4, widths=[4], n_features=0, n_classes=objective.n_outputs(Empty.spec)).double()
    objective.prepare(model, None, Empty.spec)
    objective.see(model, [])
    return objective, model


def batch(n: int, split: str = "test"):
    return next(iter(Empty(batch_size=n, n_val=n, n_test=n).loader_of(split)))


@pytest.mark.parametrize(("divergence", "exact"), [("variance", 1 / 3), ("kl", np.log(2) - 0.5)])
def test_the_divergence_of_flat_points_from_a_ramp(divergence, exact):
    objective, model = made(divergence)
    for training in (True, False):
        objective.train(training)
        terms, _ = objective.terms(model, batch(100_000))
        assert terms["loss"].item() == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("divergence", ["variance", "kl"])
def test_the_gradient_is_that_of_the_expectation(divergence):
    # of the density 1 + a (r - 1/2) at a = 0, in one direction
    class Tilted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))

        def draw(self, z):
            return z, z.new_zeros(len(z))

        def invert(self, x):
            return x, (1 + self.a * (x[:, 0] - 0.5)).log()

    objective, _ = made(divergence)
    model = Tilted()
    objective.terms(model, batch(200_000))[0]["loss"].backward()
    # variance: -E f^2 (r - 1/2) = -int 4 r^3 - 2 r^2; kl: -E f (r - 1/2) = -int 2 r^2 - r
    assert model.a.grad.item() == pytest.approx(-1 / 3 if divergence == "variance" else -1 / 6, abs=0.01)


def test_training_brings_the_weights_together():
    objective, model = made()
    optimizer = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(60):
        optimizer.zero_grad()
        objective.terms(model, batch(256))[0]["loss"].backward()
        optimizer.step()
    objective.eval()
    assert objective.terms(model, batch(5000))[0]["loss"] < 0.05  # 1/3 at first


def test_validation_and_test_draw_different_points_and_the_same_each_time():
    objective, model = made()
    objective.eval()
    test, again, val = (objective.outputs(model, batch(50, s))["flow/weight"] for s in ("test", "test", "val"))
    assert torch.equal(test, again)
    assert not torch.equal(test, val)


def test_vegas_adapts_to_a_product():
    edges = vegas_grid.adapted(lambda x: 4 * x[:, 0] * x[:, 1], 2, seed=1)
    assert edges.shape == (2, vegas_grid.INTERVALS + 1)
    y = torch.rand(20_000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    x, inverse_density = vegas_grid.draw(y, edges)
    weight = 4 * x[:, 0] * x[:, 1] * inverse_density
    assert weight.mean().item() == pytest.approx(1, abs=0.01)
    assert weight.std() < 0.1  # 0.88 for flat points
    even = torch.linspace(0, 1, 11, dtype=torch.float64).repeat(2, 1)
    x, inverse_density = vegas_grid.draw(y, even)
    assert torch.allclose(x, y)
    assert torch.allclose(inverse_density, torch.ones(()).double())


def test_the_largest_weight_is_the_median_over_bootstrap_replicas():
    rng = np.random.default_rng(0)
    w = rng.exponential(size=500)
    replicas = [w[rng.integers(0, 500, size=200)].max() for _ in range(4001)]
    found = largest(w, np.ones(500, int), np.argsort(w), 200)
    assert np.mean(np.array(replicas) < found) < 0.53
    assert np.mean(np.array(replicas) <= found) > 0.47


def test_figures_of_weights_that_are_known():
    evaluator = ImportanceSamplingEvaluator("p", ("flow",), (), campaign=10**9)
    w = np.array([1.0, 1, 0, 2])
    columns = {"index": np.arange(4), "loss": (w - 1) ** 2, "flow/weight": w, "model/integral": np.array([1.0, 0.0])}
    found = evaluator.final(columns, seed=0)
    assert found["flow_integral"] == 1
    assert found["flow_relative_std"] == pytest.approx(np.sqrt(0.5))
    assert (found["flow_efficiency"], found["flow_overweight"]) == (0.5, 0)
    assert found["integral_pull"] == 0
    median = ImportanceSamplingEvaluator("p", ("flow",), (), campaign=1).final(columns, seed=0)
    assert median["flow_overweight"] == 0.25  # of the largest weight, 2, one half is above the median, 1
    assert median["flow_efficiency"] == 0.75


def test_the_integral_of_three_jets_is_not_sampled():
    objective = ImportanceSampling(ThreeJets(), vegas=False)
    objective.see(None, [])
    assert objective.integral.tolist() == [ThreeJets().exact(), 0]


def test_what_cannot_be_is_refused(monkeypatch):
    for keys, said in (
        ({"divergence": "l2"}, "loss.divergence"),
        ({"n_reference": 3}, "loss.n_reference"),
        ({"campaign": 0}, "loss.campaign"),
    ):
        with pytest.raises(ConfigError, match=said):
            ImportanceSampling(Ramp(1.0, 2), **keys)
    with pytest.raises(ConfigError, match="model=spline_flow"):
        ImportanceSampling(Ramp(1.0, 2)).prepare(torch.nn.Linear(1, 1), None, Empty.spec)
    monkeypatch.setattr(vegas_grid, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"hepexp\[integration\]"):
        ImportanceSampling(Ramp(1.0, 2))
    ImportanceSampling(Ramp(1.0, 2), vegas=False)
