"""Losses of regression: their minima are the mean, the median, the spread and the quantiles of the target."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, FeatureBatch, Target
from hepexp.errors import ConfigError
from hepexp.losses.regression import GaussianNll, Huber, MeanSquaredError, Quantile

MASS = torch.distributions.LogNormal(4.0, 0.5).icdf((torch.arange(4000, dtype=torch.float64) + 0.5) / 4000)
SPEC = DataSpec((), n_features=1, targets=(Target("mass", unit="GeV", mean=MASS.mean().item(), std=MASS.std().item()),))


class Constant(nn.Module):
    """The same outputs for every example."""

    def __init__(self, n: int):
        super().__init__()
        self.outputs = nn.Parameter(torch.zeros(n, dtype=torch.float64))

    def forward(self, batch: FeatureBatch) -> torch.Tensor:
        return self.outputs.expand(len(batch), -1)


def examples(mass: torch.Tensor) -> FeatureBatch:
    n = len(mass)
    index = torch.arange(n)
    return FeatureBatch(
        label=index * 0 - 1, index=index, extras=torch.zeros(n, 0), features=torch.zeros(n, 1), target=mass[:, None]
    )


def fitted(objective) -> dict[str, torch.Tensor]:
    """What a constant predicts at the minimum of the loss."""
    model = Constant(objective.n_outputs(SPEC))
    batch = examples(MASS)
    objective.prepare(model, examples(MASS[:1]), SPEC)
    objective.double()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-12)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = objective.terms(model, batch)[0]["loss"]
        loss.backward()
        return loss

    optimizer.step(closure)
    return {name: values[0].detach() for name, values in objective.outputs(model, batch).items()}


def test_mse_predicts_the_mean_and_its_minimum_is_the_variance():
    objective = MeanSquaredError()
    assert_close(fitted(objective)["predicted"], MASS.mean()[None])
    each = objective.each(torch.zeros(4000, 1, 1, dtype=torch.float64), ((MASS - MASS.mean()) / MASS.std())[:, None])
    assert each.mean().item() == pytest.approx(3999 / 4000)


def test_a_narrow_huber_loss_predicts_the_median_and_a_wide_one_the_mean():
    assert fitted(Huber(delta=1e-3))["predicted"].item() == pytest.approx(MASS.median().item(), rel=1e-3)
    assert_close(fitted(Huber(delta=1e3))["predicted"], MASS.mean()[None])


def test_the_gaussian_likelihood_predicts_mean_and_standard_deviation():
    found = fitted(GaussianNll())
    assert_close(found["predicted"], MASS.mean()[None], rtol=1e-6, atol=0)
    assert_close(found["sigma"], MASS.std(correction=0)[None], rtol=1e-6, atol=0)


def test_the_gaussian_likelihood_of_a_standardised_target_is_that_of_torch():
    found, target = torch.randn(5, 2, 2), torch.randn(5, 2)
    sigma = nn.functional.softplus(found[..., 1]) + 1e-3
    expected = -torch.distributions.Normal(found[..., 0], sigma).log_prob(target)
    assert_close(GaussianNll().each(found, target), expected)
    assert math.isfinite(GaussianNll().each(torch.tensor([[[0.0, -1e4]]]), torch.zeros(1, 1)).item())


def test_the_pinball_loss_predicts_quantiles_in_order_and_the_median():
    found = fitted(Quantile(quantiles=(0.1, 0.5, 0.9)))
    expected = torch.quantile(MASS, torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64))
    assert_close(found["quantiles"][0], expected, rtol=5e-3, atol=0)
    assert found["predicted"].item() == found["quantiles"][0, 1].item()
    crossed = Quantile()
    crossed.prepare(Constant(3), examples(MASS[:1]), SPEC)
    ordered = crossed.predictions(torch.tensor([[[2.0, 1.0, 0.0]]]))["quantiles"]
    assert (ordered.diff() > 0).all()


def test_scales_of_the_target_are_part_of_the_checkpoint():
    objective = MeanSquaredError()
    objective.prepare(Constant(1), examples(MASS[:1]), SPEC)
    assert objective.state_dict()["mean"].item() == pytest.approx(MASS.mean().item())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Huber(delta=0), "loss.delta must be > 0, got 0"),
        (lambda: Quantile(quantiles=(0.1, 0.9)), "the median 0.5 among them, got [0.1, 0.9]"),
        (lambda: Quantile(quantiles=(0.5, 0.5)), "must be rising"),
        (lambda: Quantile(quantiles=(0.0, 0.5)), "between 0 and 1"),
    ],
)
def test_values_out_of_range_are_refused(make, said: str):
    with pytest.raises(ConfigError) as error:
        make()
    assert said in str(error.value)


def test_a_model_of_another_width_and_an_unknown_observer_are_refused():
    example = examples(MASS[:1])
    with pytest.raises(ConfigError, match="needs one output for each value to predict, 2 for mass; Constant gives 1"):
        GaussianNll().prepare(Constant(1), example, SPEC)
    with pytest.raises(ConfigError, match=r"'sum' is not among dataset\.observers \(none\)"):
        MeanSquaredError(compare_with=["sum"]).prepare(Constant(1), example, SPEC)
