"""Losses of regression: their minima are the mean, the median, the spread and the quantiles of the target."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, FeatureBatch, GraphBatch, JetBatch, Target
from hepexp.errors import ConfigError
from hepexp.losses.regression import Huber, MeanSquaredError, Quantile
from hepexp.losses.regression_with_sigma import GaussianNll

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


class OfNodes(nn.Module):
    """A linear function of each node."""

    def __init__(self, n: int):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, n, dtype=torch.float64)

    def forward(self, batch: GraphBatch) -> torch.Tensor:
        return self.layer(batch.x)


OF_NODES = DataSpec((), targets=tuple(Target(name, of="element", mean=1.0, std=2.0) for name in ("d0", "dz")))
COUNTS = torch.tensor([2, 4, 1])


def nodes() -> GraphBatch:
    g = torch.Generator().manual_seed(4)
    x = torch.randn(7, 3, generator=g, dtype=torch.float64)
    index = torch.tensor([5, 3, 9])
    target = (3 * x[:, :2] + torch.randn(7, 2, generator=g)).float()
    return GraphBatch(
        label=index * 0, index=index, extras=torch.zeros(3, 0), element_target=target, x=x,
        edge_index=torch.zeros(2, 0, dtype=int), graph=torch.arange(3).repeat_interleave(COUNTS),
    )  # fmt: skip


class AsParticles(nn.Module):
    """The nodes of a graph as padded particles."""

    def __init__(self, model: OfNodes):
        super().__init__()
        self.layer = model.layer

    def forward(self, batch: JetBatch) -> torch.Tensor:
        return self.layer(batch.p4[..., :3])


@pytest.mark.parametrize("loss", [MeanSquaredError, Huber, GaussianNll, Quantile])
def test_the_loss_of_elements_is_the_mean_over_examples_of_the_mean_over_their_elements(loss):
    objective, batch = loss(of="element"), nodes()
    assert objective.needs == (("element", "real"),)
    model = OfNodes(objective.n_outputs(OF_NODES))
    objective.prepare(model, batch, OF_NODES)
    objective.double().eval()
    terms, outputs = objective.terms(model, batch)
    each = objective.each(model(batch).unflatten(1, (2, -1)), (batch.element_target.double() - 1) / 2).mean(1)
    of_example = torch.stack([part.mean() for part in each.split(COUNTS.tolist())])
    assert_close(outputs["loss"], of_example.detach())
    assert_close(terms["loss"], of_example.mean())
    assert outputs["element/index"].tolist() == [5, 5, 3, 3, 3, 3, 9]
    assert_close(objective.outputs(model, batch)["element/predicted"], outputs["element/predicted"])
    weighted, _ = objective.terms(model, replace(batch, weight=torch.tensor([1.0, 2.0, -1.0])))
    assert_close(weighted["loss"], (of_example[0] + 2 * of_example[1] - of_example[2]) / 4)

    # the same as padded particles, of which one has no target
    place = torch.cat([torch.arange(n) for n in COUNTS])
    p4, target, mask = torch.zeros(3, 4, 4).double(), torch.zeros(3, 4, 2), torch.arange(4) < COUNTS[:, None]
    p4[batch.graph, place, :3], target[batch.graph, place] = batch.x, batch.element_target
    padded = JetBatch(
        label=batch.label, index=batch.index, extras=batch.extras, element_target=target, p4=p4,
        scalars=torch.zeros(3, 4, 0), mask=mask,
    )  # fmt: skip
    found, described = objective.terms(AsParticles(model), padded)
    assert_close(found["loss"], terms["loss"])
    assert_close(described["element/predicted"], outputs["element/predicted"])
    target[0, 1] = torch.nan
    found, described = objective.terms(AsParticles(model), padded)
    assert_close(found["loss"], (each[0] + of_example[1] + of_example[2]) / 3)
    assert described["element/index"].tolist() == [5, 3, 3, 3, 3, 9]
    model.zero_grad()
    found["loss"].backward()
    assert model.layer.weight.grad.isfinite().all()


def test_a_model_without_outputs_for_each_element_and_a_comparison_are_refused():
    with pytest.raises(ConfigError, match="needs a row of 2 outputs for each element; Constant does not give them"):
        MeanSquaredError(of="element").prepare(Constant(2), nodes(), OF_NODES)
    with pytest.raises(ConfigError, match="without d0, dz of each element"):
        MeanSquaredError(of="element").prepare(OfNodes(2), replace(nodes(), element_target=None), OF_NODES)
    with pytest.raises(ConfigError, match=r"leave it out with loss\.of=element"):
        MeanSquaredError(compare_with=["sum"], of="element")
