"""What every model that generates point clouds must do. A model gets all of it by its line in test_conformance.py."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import CloudBatch
from tests.devices import on_one_device
from tests.examples import EXAMPLES, random_clouds
from tests.models.conformance import Case

SELECT = EXAMPLES["cloud"].select


def permuted(batch: CloudBatch, seed: int = 0) -> tuple[CloudBatch, torch.Tensor]:
    """The same clouds, the points of each in another order, and that order (B, N)."""
    g = torch.Generator().manual_seed(seed)
    order = torch.where(batch.mask, torch.rand(batch.mask.shape, generator=g), 2).argsort(1)
    return replace(batch, points=batch.points.gather(1, order[..., None].expand_as(batch.points))), order


def padded(batch: CloudBatch, n: int, value: float = 0.0) -> CloudBatch:
    """The same clouds with n more places, which hold anything."""
    more = batch.points.new_full((len(batch), n, batch.points.shape[2]), value)
    mask = torch.cat([batch.mask, batch.mask.new_zeros(len(batch), n)], dim=1)
    return replace(batch, points=torch.cat([batch.points, more], dim=1), mask=mask)


def made(model: nn.Module, batch: CloudBatch) -> torch.Tensor:
    """What the model makes of the points, which are the noise of one that starts from noise."""
    if not hasattr(model, "noise"):
        return model(batch)
    dtype = next(model.parameters()).dtype
    whole = torch.sin(batch.index[:, None] + torch.arange(model.n_global, device=batch.index.device))
    return model(batch, (batch.points.to(dtype), whole.to(dtype)))


class GeneratorConformance:
    """Subclass it, parametrised with `case`: the model gives each point of a cloud as many numbers as it has."""

    @pytest.fixture
    def batch(self) -> CloudBatch:
        return random_clouds(6)

    @pytest.fixture
    def model(self, case: Case):
        return case.build().eval()

    def test_has_the_published_number_of_parameters(self, case):
        assert sum(p.numel() for p in case.build().parameters()) == case.n_parameters

    def test_gives_each_point_its_features_and_padding_none(self, model, batch):
        output = made(model, batch)
        assert output.shape == batch.points.shape
        assert not output[~batch.mask].any()
        assert output[batch.mask].any(1).all()

    def test_points_in_another_order_get_the_same_in_that_order(self, model, batch):
        moved, order = permuted(batch)
        expected = made(model, batch).gather(1, order[..., None].expand_as(batch.points))
        assert_close(made(model, moved), expected, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("value", [0.0, 1e6, float("nan")])
    def test_padding_may_hold_anything(self, model, batch, value):
        output = made(model, padded(batch, 5, value))
        assert_close(output[:, : batch.points.shape[1]], made(model, batch), rtol=0, atol=1e-12)

    def test_does_not_depend_on_other_examples_of_the_batch(self, model, batch):
        together = made(model, batch)
        for i in range(len(batch)):
            n = int(batch.mask[i].sum())
            assert_close(made(model, SELECT(batch, [i]))[:, :n], together[i : i + 1, :n], rtol=0, atol=1e-12)

    def test_depends_on_the_conditions(self, model, batch):
        other = made(model, replace(batch, label=1 - batch.label))
        assert (other - made(model, batch)).abs().max() > 1e-6
        other = made(model, replace(batch, extras=batch.extras + 1))
        assert (other - made(model, batch)).abs().max() > 1e-6

    def test_gradients_reach_every_parameter(self, model, batch):
        made(model, batch).square().sum().backward()
        assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []

    def test_a_state_dict_restores_it(self, model, batch, case, tmp_path):
        torch.save(model.state_dict(), tmp_path / "model.pt")
        with torch.no_grad():
            for p in (fresh := case.build().eval()).parameters():
                p += 0.1
        assert not torch.equal(made(fresh, batch), made(model, batch))
        fresh.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
        assert torch.equal(made(fresh, batch), made(model, batch))

    def test_a_single_point_gives_finite_outputs_and_gradients(self, case):
        model = case.build()
        output = made(model, EXAMPLES["cloud"].smallest())
        output.sum().backward()
        assert output.isfinite().all()
        assert all(p.grad.isfinite().all() for p in model.parameters())

    def test_float32_weights_give_the_float64_output_within_its_digits(self, model, batch):
        output = made(copy.deepcopy(model).float(), batch)
        assert output.dtype == torch.float32
        assert_close(output.double(), made(model, batch), rtol=1e-3, atol=1e-3)

    def test_never_waits_for_the_device(self, case, batch):
        model, batch = case.build(torch.float32).to("meta"), batch.to("meta")
        with on_one_device():
            made(model, batch).sum().backward()
