"""Flows that preserve an oracle: the terms against closed forms, the fields that are found against a null space."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, FeatureBatch
from hepexp.errors import ConfigError
from hepexp.losses.latent_flow import LatentFlow as Loss
from hepexp.models.latent_flow import LatentFlow
from hepexp.models.mlp import MLP
from hepexp.models.pfn import PFN
from hepexp.symmetry.algebra import principal_angles, so3, so13
from hepexp.symmetry.structure import structure_of
from tests import jets

NOTE = "symmetry/generators_found_note"
SPEC = DataSpec(("inner", "outer"), n_features=3)
ROTATION = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)


def gaussian(n: int, dim: int, seed: int = 0) -> FeatureBatch:
    """Points without a preferred direction, in float64."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, dim, generator=g, dtype=torch.float64)
    return FeatureBatch(label=torch.arange(n) % 2, index=torch.arange(n), extras=torch.zeros(n, 0), features=x)


def ready(batch: FeatureBatch, generators=None, loss: dict | None = None, **keys) -> tuple[Loss, LatentFlow]:
    """A loss that has seen the batch, and its model, with given generators."""
    torch.manual_seed(0)
    if generators is not None:
        keys["n_channels"] = len(generators)
    model = LatentFlow(n_features=batch.features.shape[1], **keys).double()
    if generators is not None:
        with torch.no_grad():
            model.fields.generators.copy_(torch.as_tensor(np.asarray(generators)))
    objective = Loss(**loss or {})
    objective.prepare(model, batch, SPEC)
    objective.double().see(model, [batch])
    return objective.eval(), model.eval()


def figures(objective: Loss, model: LatentFlow, batch: FeatureBatch) -> dict:
    """The figures of a test on the batch."""
    outputs = {name: value.detach().numpy() for name, value in objective.terms(model, batch)[1].items()}
    loss = objective.terms(model, batch)[0]["loss"].detach().expand(len(batch)).numpy()
    learnt = {f"model/{name}": value.detach().numpy() for name, value in objective.learnt(model).items()}
    rows = {"index": batch.index.numpy(), "label": batch.label.numpy(), "batch_loss": loss}
    return objective.evaluator.final({**rows, **outputs, **learnt}, seed=1)


def searched(batch: FeatureBatch, steps: int, **keys) -> tuple[Loss, LatentFlow]:
    objective, model = ready(batch, **keys)
    objective.train()
    optimizer = torch.optim.Adam(model.fields.parameters(), lr=3e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: (1 + math.cos(math.pi * k / steps)) / 2)
    for _ in range(steps):
        optimizer.zero_grad()
        objective.terms(model, batch)[0]["loss"].backward()
        optimizer.step()
        schedule.step()
    return objective.eval(), model


def null_space(batch: FeatureBatch, metric: torch.Tensor) -> np.ndarray:
    """All matrices W with x^T J W x = 0 at every point: brute force over the n^2 entries."""
    x, n = batch.features, batch.features.shape[1]
    rows = torch.einsum("bi,bj->bij", x @ metric, x).flatten(1)
    _, singular, basis = np.linalg.svd(rows.numpy())
    return basis[int((singular > 1e-9 * singular[0]).sum()) :].reshape(-1, n, n)


def test_the_violation_of_a_rotation_is_0_and_that_of_random_fields_is_1_on_average():
    batch = gaussian(400, 2)
    objective, model = ready(batch, [ROTATION, ROTATION])
    assert figures(objective, model, batch)["violation_1"] < 1e-25
    g = torch.Generator().manual_seed(1)
    found = []
    for _ in range(300):
        with torch.no_grad():
            # E |W x|^2 = E |x|^2 on average
            model.fields.generators.copy_(torch.randn(2, 2, 2, generator=g, dtype=torch.float64) / math.sqrt(2))
        _, gradient, xi = objective._fields(model, batch)
        found.append(torch.einsum("bmn,bcn->bc", gradient, xi).square().mean(0) / objective.random)
    each = torch.cat(found).detach()
    assert abs(each.mean() - 1) < 4 * each.std() / math.sqrt(len(each))


def test_terms_of_a_rotation_and_a_dilation_are_those_of_the_formula():
    batch = gaussian(64, 2)
    objective, model = ready(batch, [ROTATION, 2 * torch.eye(2)])
    terms, _ = objective.terms(model, batch)
    x2 = batch.features.square().sum(1)
    # grad phi . xi = 2 x . 2 x; V = E |2 x|^2 |x|^2 / 2
    assert_close(terms["invariance"], (0 + (4 * x2).square().mean() / (2 * x2.square().mean())) / 2)
    assert_close(terms["normalisation"].item(), 9.0)  # G = diag(1, 4)
    assert_close(terms["orthogonality"].item(), 0.0)
    assert_close(terms["closure"].item(), 0.0, atol=1e-12, rtol=0)  # they commute
    expected = 0.25 * 2 * terms["invariance"] + 3 * 9  # the dilation has the weight 1/4
    assert_close(terms["loss"], expected)


def test_two_rotations_of_space_do_not_close():
    batch = gaussian(20_000, 3)
    scaled = np.sqrt(3 / 2) * so3().basis  # E |L x|^2 = E |x|^2
    objective, model = ready(batch, scaled[:2])
    # [L_1, L_2] = sqrt(3/2) L_3 with E |L_3 x|^2 = E |x|^2
    assert objective.terms(model, batch)[0]["closure"].item() == pytest.approx(1.5, rel=0.03)
    closed, model = ready(batch, scaled)
    assert closed.terms(model, batch)[0]["closure"].item() < 0.01


@pytest.mark.parametrize(("dim", "metric", "basis"), [(3, "euclidean", so3), (4, "minkowski", so13)])
def test_the_search_finds_the_null_space_with_the_structure_constants_of_its_algebra(dim, metric, basis):
    batch = gaussian(300, dim)
    known = basis()
    assert_close(
        principal_angles(null_space(batch, torch.from_numpy(known.metric)), known.basis).max(), 0.0, atol=1e-6, rtol=0
    )
    objective, model = searched(batch, 300, metric=metric, n_channels=len(known.basis))
    final = figures(objective, model, batch)
    assert final["symmetry/generators_found"] == len(known.basis)
    assert final["symmetry/dimension_note"] == f"algebra: {known.name}"
    assert principal_angles(model.generators.detach().numpy(), known.basis).max() < 4
    assert structure_of(model.generators.detach().numpy()).residual < 0.05


def test_with_one_symmetry_and_two_fields_one_is_found():
    batch = gaussian(300, 2)
    objective, model = searched(batch, 400, n_channels=2, loss={"compare_with": "so2"})
    final = figures(objective, model, batch)
    assert final["symmetry/generators_found"] == 1
    assert final["violation_1"] < 1e-3 < 0.1 < final["violation_2"]  # in the order of their violations
    assert final["symmetry/angle_error_deg"] < 1
    assert final["oracle_change"] < 0.05


def test_a_search_that_has_hardly_begun_has_found_nothing():
    batch = gaussian(300, 2)
    objective, model = searched(batch, 3, loss={"compare_with": "so2"})
    final = figures(objective, model, batch)
    assert final["symmetry/generators_found"] == final["symmetry/dimension"] == 0
    assert final["symmetry/angle_error_deg"] == 90


class Quartic(nn.Module):
    """A function whose level sets no linear field follows."""

    input = "features"

    def forward(self, batch: FeatureBatch) -> torch.Tensor:
        return batch.features.pow(4).sum(1, keepdim=True)


def test_a_quartic_without_linear_symmetry_has_none():
    batch = gaussian(300, 2)
    objective, model = searched(batch, 150, metric=None, oracle=Quartic())
    final = figures(objective, model, batch)
    assert final["symmetry/generators_found"] == 0
    assert final["symmetry/dimension_note"] == "algebra: none"
    assert final["oracle_change"] is None
    assert NOTE not in final


def test_dense_fields_find_a_flow_that_keeps_the_oracle_and_the_record_says_that_any_oracle_has_one():
    batch = gaussian(300, 2)
    objective, model = searched(batch, 300, widths=[16])
    final = figures(objective, model, batch)
    assert final["symmetry/generators_found"] == 1
    assert final["oracle_change"] < 0.2
    assert final["symmetry/dimension"] == 1
    assert "2 - m fields that are not linear leave any oracle of m < 2 outputs unchanged" in final[NOTE]


def test_the_field_along_the_level_sets_of_a_quartic_is_found_though_it_is_no_linear_symmetry():
    x = gaussian(300, 2)
    objective, model = ready(x, widths=[4], metric=None, oracle=Quartic())

    class Tangent(nn.Module):
        """(-d_y phi, d_x phi), of unit length."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            field = torch.stack([-x[:, 1].pow(3), x[:, 0].pow(3)], 1)
            return (field / field.norm(dim=1, keepdim=True))[:, None]

    model.fields.layers = Tangent()
    gradient, xi = model.gradient(x.features, x), model.fields(x.features)
    violation = torch.einsum("bmn,bcn->bcm", gradient, xi).square().mean() / objective.random
    assert violation < 1e-20
    assert objective._change(model, x.features, x, 0.1).mean() < 1e-4


def test_derivatives_and_flows_of_dense_fields_are_those_of_finite_differences():
    torch.manual_seed(0)
    fields = LatentFlow(n_channels=3, widths=[8], n_features=2).double().fields
    x, v, h = torch.randn(5, 2).double(), torch.randn(5, 4, 2).double(), 1e-6
    numeric = torch.stack([(fields(x + h * one) - fields(x - h * one)) / (2 * h) for one in v.unbind(1)], 1)
    assert_close(fields.along(x, v), numeric, rtol=1e-6, atol=1e-8)
    assert_close((fields.flow(x, h) - fields.flow(x, -h)) / (2 * h), fields(x), rtol=1e-6, atol=1e-8)
    there = fields.flow(x, 0.7)
    back = torch.stack([fields.flow(there[:, a], -0.7)[:, a] for a in range(3)], 1)
    assert_close(back, x[:, None].expand_as(back), rtol=0, atol=1e-6)


def test_a_classifier_that_always_gives_one_answer_is_refused_in_one_line():
    network = MLP(n_features=2, n_classes=2).double()
    with torch.no_grad():
        network.layers[-1].bias.copy_(torch.tensor([0.0, 30.0]))
    with pytest.raises(
        ConfigError, match=r"^the oracle MLP is saturated: its answers vary by \S+ over 64 training"
    ) as error:
        ready(gaussian(64, 2), metric=None, oracle=network)
    assert "\n" not in str(error.value)
    with torch.no_grad():  # steep, and thus certain everywhere, but of both answers
        network.layers[-1].bias.zero_()
        network.layers[-1].weight.mul_(1000)
    ready(gaussian(64, 2), metric=None, oracle=network)


def test_on_a_mass_shell_and_on_the_light_cone_the_lorentz_algebra_is_found():
    for mass2, n_found in ((0.5, 6), (0.0, 7)):  # a dilation keeps the light cone, too
        batch = gaussian(300, 4)
        x = batch.features
        x[:, 0] = (mass2 + x[:, 1:].square().sum(1)).sqrt()
        assert len(null_space(batch, torch.from_numpy(so13().metric))) == n_found
        objective, model = ready(batch, so13().basis, metric="minkowski")
        final = figures(objective, model, batch)
        assert final["symmetry/generators_found"] == 6
        assert final["oracle_change"] < 1e-12
        assert final["symmetry/dimension_note"] == "algebra: so(1,3)"


def test_the_change_of_a_form_along_a_dilation_is_that_of_the_formula():
    batch = gaussian(64, 2)
    objective, model = ready(batch, 0.1 * torch.eye(2)[None])
    x2 = batch.features.square().sum(1)
    # |e^0.2 - 1| x^2 over the root of V = E |2 x|^2 |x|^2 / 2
    expected = (math.exp(0.2) - 1) * x2 / (2 * x2.square().mean()).sqrt()
    assert_close(objective.terms(model, batch)[1]["change"][:, 0], expected)


def test_a_quadratic_form_whose_gradient_is_0_on_the_data_is_refused_in_one_line():
    batch = gaussian(64, 2)
    batch.features[:, 0] = 0
    with pytest.raises(ConfigError, match=r"^the gradient of the quadratic form is 0 at all 64 training") as error:
        ready(batch, metric=[[1.0, 0.0], [0.0, 0.0]])
    assert "\n" not in str(error.value)


def parts_of(batch: FeatureBatch, size: int) -> list[FeatureBatch]:
    sliced = [{k: v[i : i + size] for k, v in batch.tensors().items()} for i in range(0, len(batch), size)]
    return [FeatureBatch(**one) for one in sliced]


@pytest.mark.parametrize("keys", [{}, {"widths": [8]}, {"metric": None, "oracle": MLP(n_features=3, n_classes=2)}])
def test_autocast_rounds_neither_terms_nor_outputs(keys):
    batch = gaussian(64, 3)
    objective, model = ready(batch, n_channels=2, **keys)
    objective, model = objective.float(), model.float()  # autocast leaves float64 alone
    batch = replace(batch, features=batch.features.float())

    def evaluated() -> list[dict[str, torch.Tensor]]:
        return [*objective.terms(model, batch), objective.outputs(model, batch), objective.gallery(model, batch)]

    exact = evaluated()
    assert exact[0]["closure"] > 0
    with torch.autocast("cpu", torch.bfloat16):
        assert_close(evaluated(), exact)
        objective.train().terms(model, batch)[0]["loss"].backward()
    assert all(p.grad.isfinite().all() for p in model.fields.parameters())


class Scores(nn.Module):
    """One output, as of a regression."""

    input = "features"

    def forward(self, batch: FeatureBatch) -> torch.Tensor:
        return 5 + batch.features.square().sum(1, keepdim=True)


@pytest.mark.parametrize("keys", [{}, {"metric": None, "oracle": Scores()}])
def test_what_is_seen_does_not_depend_on_the_size_of_batches(keys):
    batch = gaussian(64, 2)
    (whole, model), single = ready(batch, **keys), Loss()
    single.prepare(model, batch, SPEC)
    single.double().see(model, parts_of(batch, 1))
    for name in ("moments", "length2", "random", "spread"):
        assert_close(getattr(single, name), getattr(whole, name))


def test_an_example_of_weight_2_is_the_same_example_twice_in_all_that_is_seen():
    weighted, doubled = gaussian(64, 2), gaussian(64, 2)
    weighted = replace(weighted, weight=torch.tensor([2.0, 1, 1, 0], dtype=torch.float64).repeat(16))
    rows = [i for i in range(64) for _ in range(int(weighted.weight[i]))]
    doubled = FeatureBatch(**{k: v[rows] for k, v in doubled.tensors().items()})
    (one, _), (two, _) = ready(weighted), ready(doubled)
    for name in ("moments", "length2", "random", "spread"):
        assert_close(getattr(one, name), getattr(two, name))
    assert not torch.isclose(one.random, ready(gaussian(64, 2))[0].random)


def test_only_the_fields_are_trained_and_the_oracle_is_not_in_training_mode():
    network = MLP(dropout=0.5, n_features=2, n_classes=3).double()
    model = LatentFlow(None, network, n_features=2).double().train()
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["fields.generators"]
    assert not network.training
    batch = gaussian(10, 2)
    x = model.points(batch)
    assert_close(model.phi(x, batch), network(batch)[:, 1:] - network(batch)[:, :1])
    assert model.gradient(x, batch).shape == (10, 2, 2)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"normalisation_weight": 0.0}, "loss.normalisation_weight must be > 0"),
        ({"orthogonality_weight": -1.0}, "loss.orthogonality_weight must be >= 0"),
        ({"closure_weight": -1.0}, "loss.closure_weight must be >= 0"),
        ({"threshold": 0.0}, r"loss.threshold must be in \(0, 1\)"),
        ({"min_spread": 1.0}, r"loss.min_spread must be in \(0, 1\)"),
        ({"compare_with": "so4"}, "loss.compare_with must be null or one of so2, so3, so13, boosts_z, got 'so4'"),
    ],
)
def test_values_of_the_loss_out_of_range(keys, message):
    with pytest.raises(ConfigError, match=message):
        Loss(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"metric": None}, "model needs one oracle"),
        ({"oracle": MLP(n_features=2, n_classes=2)}, "model needs one oracle"),
        ({"metric": "lorentz"}, "model.metric must be minkowski, euclidean, a symmetric 2x2 list of numbers, or a run"),
        ({"metric": None, "oracle": PFN(n_scalars=8, n_classes=2)}, "model.oracle must read features, but PFN reads"),
        ({"n_channels": 5}, "model.n_channels must be <= 4, all independent 2 x 2 matrices, got 5"),
        ({"n_channels": 0}, "model.n_channels must be >= 1, got 0"),
        ({"n_channels": 0, "widths": [4]}, "model.n_channels must be >= 1, got 0"),
        ({"widths": []}, "model.widths must be one or more widths > 0"),
        ({"initial": 0.0}, "model.initial must be > 0"),
    ],
)
def test_values_of_the_model_out_of_range(keys, message):
    with pytest.raises(ConfigError, match=message):
        LatentFlow(**keys, n_features=2)


def test_what_does_not_fit_the_loss():
    with pytest.raises(ConfigError, match="PFN has none; choose model=latent_flow"):
        Loss().prepare(PFN(n_scalars=8, n_classes=2), jets.random_jets(1), SPEC)
    with pytest.raises(ConfigError, match=r"so\(1,3\), which acts on 4 dimensions; the points have 2"):
        ready(gaussian(20, 2), loss={"compare_with": "so13"})
    with pytest.raises(ConfigError, match=r"loss\.compare_with needs linear fields"):
        ready(gaussian(20, 2), loss={"compare_with": "so2"}, widths=[4])
