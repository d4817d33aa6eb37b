"""What every model on jets must do. A model gets all of it by its line in test_conformance.py."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import pytest
import torch
import yaml
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, JetBatch
from hepexp.config.build import instantiate
from hepexp.config.paths import conf_dir
from hepexp.losses.cross_entropy import CrossEntropy
from tests.jets import pad, permute, random_jets, random_lorentz, select, transform

SPEC = DataSpec(class_names=("gluon", "quark"), n_scalars=8)


@dataclass(frozen=True)
class Case:
    """A model option with some of its keys changed, e.g. "pfn use_scalars=true", and its number of parameters."""

    text: str
    n_parameters: int

    def build(self, dtype: torch.dtype = torch.float64) -> nn.Module:
        option, *changes = self.text.split()
        node = yaml.safe_load((conf_dir() / "model" / f"{option}.yaml").read_text())
        for change in changes:
            key, _, value = change.partition("=")
            node[key] = yaml.safe_load(value)
        torch.manual_seed(1)
        model = instantiate(node, n_scalars=SPEC.n_scalars, n_classes=SPEC.n_classes)
        return model if dtype == torch.float32 else model.to(dtype)


def train(model: nn.Module, jets: JetBatch, n_steps: int, lr: float = 3e-3) -> None:
    """A few steps of Adam on one batch, after which the model is in evaluation mode."""
    objective, optimizer = CrossEntropy(), torch.optim.Adam(model.parameters(), lr=lr)
    model.train()
    for _ in range(n_steps):
        optimizer.zero_grad()
        objective.terms(model, jets)[0]["loss"].backward()
        optimizer.step()
    model.eval()


_trained: dict[Case, nn.Module] = {}


class Conformance:
    """Subclass it, parametrised with `case`."""

    @pytest.fixture
    def jets(self) -> JetBatch:
        return random_jets(8, n_min=3, n_max=24)

    @pytest.fixture
    def model(self, case: Case) -> nn.Module:
        """In float64 and evaluation mode, trained a little so that running statistics are not those of the start."""
        if case not in _trained:
            _trained[case] = case.build()
            train(_trained[case], random_jets(8, n_min=3, n_max=24, seed=1), n_steps=3)
        return copy.deepcopy(_trained[case])

    def test_has_the_published_number_of_parameters(self, case):
        assert sum(p.numel() for p in case.build().parameters()) == case.n_parameters

    def test_does_not_depend_on_the_order_of_particles(self, model, jets):
        assert_close(model(permute(jets)), model(jets), rtol=0, atol=1e-10)

    def test_does_not_depend_on_padding(self, model, jets):
        assert_close(model(pad(jets, 7)), model(jets), rtol=0, atol=1e-10)

    def test_does_not_depend_on_other_jets_of_the_batch(self, model, jets):
        together = model(jets)
        for i in range(len(jets)):
            assert_close(model(select(jets, [i])), together[i : i + 1], rtol=0, atol=1e-10)

    @pytest.mark.parametrize("training", [True, False])
    def test_padding_may_hold_anything(self, model, jets, training):
        model.train(training)
        p4 = torch.where(jets.mask[..., None], jets.p4, 1e3)
        scalars = torch.where(jets.mask[..., None], jets.scalars, 1e3)
        expected = _with_seed(model, jets)
        assert_close(_with_seed(model, replace(jets, p4=p4, scalars=scalars)), expected, rtol=0, atol=1e-10)

    @pytest.mark.parametrize("beta", [0.3, 0.6, 0.95])
    def test_does_not_change_under_lorentz_transformations(self, model, jets, beta):
        if not model.lorentz_invariant:
            pytest.skip("does not claim to be Lorentz-invariant")
        for seed in range(5):
            moved = transform(jets, random_lorentz(beta, seed))
            assert_close(model(moved), model(jets), rtol=1e-8, atol=1e-12)

    def test_gradients_reach_every_parameter(self, model, jets):
        # In evaluation mode: while training, the bias of a linear layer before a batch norm has none.
        CrossEntropy().terms(model, jets)[0]["loss"].backward()
        without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 1e-12]
        assert without == []

    def test_gradients_are_those_of_finite_differences(self, model, jets):
        model.train()
        loss = _loss_without_dropout(model, jets)
        loss.backward()
        g = torch.Generator().manual_seed(0)
        direction = [torch.randn(p.shape, generator=g, dtype=p.dtype) for p in model.parameters()]
        slope = sum((p.grad * d).sum() for p, d in zip(model.parameters(), direction, strict=True))
        step = 1e-9  # few ReLUs have their kink within it
        values = []
        for sign in (1, -1):
            moved = copy.deepcopy(model)
            with torch.no_grad():
                for p, d in zip(moved.parameters(), direction, strict=True):
                    p += sign * step * d
                values.append(_loss_without_dropout(moved, jets))
        assert_close((values[0] - values[1]) / (2 * step), slope.detach(), rtol=1e-4, atol=1e-6)

    def test_learns_one_batch_by_heart(self, case):
        jets = random_jets(8, n_min=3, n_max=12)
        model = case.build(torch.float32)
        for _ in range(10):
            train(model, jets, n_steps=20)
            if (model(jets).argmax(1) == jets.label).all():
                return
        pytest.fail("8 jets are not learned in 200 steps")

    def test_a_state_dict_restores_it(self, model, case, jets, tmp_path):
        torch.save(model.state_dict(), tmp_path / "model.pt")
        fresh = case.build().eval()
        assert not torch.equal(fresh(jets), model(jets))
        fresh.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
        assert torch.equal(fresh(jets), model(jets))

    @pytest.mark.parametrize("training", [True, False])
    def test_jets_of_one_and_two_particles_give_finite_outputs(self, case, training):
        jets = random_jets(multiplicity=torch.tensor([1, 2, 1, 2, 2]))
        model = case.build().train(training)
        for batch in (jets, select(jets, [0, 2]), select(jets, [1])):
            logits = model(batch)
            logits.sum().backward()
            assert logits.isfinite().all()
            assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)

    def test_gradients_to_the_momenta_are_finite(self, model, jets):
        p4 = jets.p4.clone().requires_grad_()
        model(replace(jets, p4=p4)).sum().backward()
        assert p4.grad.isfinite().all()
        assert (p4.grad[~jets.mask] == 0).all()

    def test_float32_weights_give_the_float64_prediction_within_its_digits(self, model, jets):
        logits = copy.deepcopy(model).float()(jets)
        assert logits.dtype == torch.float32
        assert_close(logits.double(), model(jets), rtol=1e-2, atol=1e-2)

    def test_inference_mode_reaches_every_thread(self, case):
        model, jets = case.build(torch.float32).eval(), random_jets(48, n_min=20, n_max=60)  # several chunks
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            with torch.no_grad():
                expected = model(jets)
            with torch.inference_mode():
                assert_close(model(jets), expected)
        finally:
            torch.set_num_threads(before)

    @pytest.mark.parametrize("training", [True, False])
    def test_never_waits_for_the_device(self, case, jets, training):
        """Tensors without data: whatever reads a value back (item, tolist, a boolean index, `if tensor`) raises."""
        model = case.build(torch.float32).to("meta").train(training)
        CrossEntropy().terms(model, jets.to("meta"))[0]["loss"].backward()


def _with_seed(model: nn.Module, jets: JetBatch) -> torch.Tensor:
    torch.manual_seed(0)  # the same dropout
    return model(jets)


def _loss_without_dropout(model: nn.Module, jets: JetBatch) -> torch.Tensor:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    return CrossEntropy().terms(model, jets)[0]["loss"]
