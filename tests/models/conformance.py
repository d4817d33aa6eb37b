"""What every model must do. A model gets all of it by its line in test_conformance.py."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, replace

import pytest
import torch
import yaml
from torch import nn
from torch.optim import Adam
from torch.testing import assert_close

from hepexp.batch import Batch, JetBatch
from hepexp.check.emissions import CollinearPair, SoftParticle
from hepexp.check.images import Mirrored, Turn
from hepexp.check.lorentz import Boost, Rotation, Z
from hepexp.config import kind, targets
from hepexp.config.build import instantiate
from hepexp.config.paths import conf_dir
from hepexp.config.recipe import RECIPE
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.models import claims
from hepexp.models.head import head_of, is_within
from hepexp.quantum.statevector import StateVector
from tests.devices import on_one_device
from tests.examples import EXAMPLES, N_CONDITIONS, SPEC, Examples, permute_nodes
from tests.jets import pad, permute, random_jets, random_lorentz, transform

N_STEPS = 200  # in which a model must learn eight examples


@dataclass(frozen=True)
class Case:
    """A model option with some of its keys changed, e.g. "pfn use_scalars=true", and its number of parameters."""

    text: str
    n_parameters: int

    @property
    def node(self) -> dict:
        """The configuration, without what it says of trainings."""
        option, *changes = self.text.split()
        node = yaml.safe_load((conf_dir() / "model" / f"{option}.yaml").read_text())
        node.pop(RECIPE, None)
        for change in changes:
            key, _, value = change.partition("=")
            node[key] = yaml.safe_load(value)
        return node

    @property
    def input(self) -> str:
        """The representation that the model takes."""
        return targets.load(self.node["_target_"], kind.of_group("model")).input

    @property
    def examples(self) -> Examples:
        """How to make batches of that representation."""
        return EXAMPLES[self.input]

    def build(self, dtype: torch.dtype = torch.float64) -> nn.Module:
        torch.manual_seed(1)
        spec = replace(SPEC, n_extras=N_CONDITIONS, n_coordinates=2) if self.input == "cloud" else SPEC
        model = instantiate(self.node, "model", **asdict(spec), n_classes=SPEC.n_classes, backend=StateVector())
        return model if dtype == torch.float32 else model.to(dtype)


def train(model: nn.Module, batch: Batch, n_steps: int, lr: float = 3e-3, optimizer: Adam | None = None) -> None:
    """A few steps of Adam, a new one by default, on one batch, after which the model is in evaluation mode."""
    objective, optimizer = CrossEntropy(), optimizer or Adam(model.parameters(), lr=lr)
    model.train()
    for _ in range(n_steps):
        optimizer.zero_grad()
        objective.terms(model, batch)[0]["loss"].backward()
        optimizer.step()
    model.eval()


_trained: dict[Case, nn.Module] = {}


class Fixtures:
    """A batch, and a model that reads it."""

    @pytest.fixture
    def batch(self, case: Case) -> Batch:
        return case.examples.random(8)

    @pytest.fixture
    def model(self, case: Case) -> nn.Module:
        """In float64 and evaluation mode, trained a little so that running statistics are not those of the start."""
        if case not in _trained:
            _trained[case] = case.build()
            train(_trained[case], case.examples.random(8, seed=1), n_steps=3)
        return copy.deepcopy(_trained[case])


class Conformance(Fixtures):
    """What models of every representation do. Subclass it, parametrised with `case`."""

    def test_has_the_published_number_of_parameters(self, case):
        assert sum(p.numel() for p in case.build().parameters()) == case.n_parameters

    def test_gives_each_example_one_logit_a_class(self, model, batch):
        assert model(batch).shape == (len(batch), SPEC.n_classes)

    def test_does_not_depend_on_other_examples_of_the_batch(self, case, model, batch):
        together = model(batch)
        for i in range(len(batch)):
            assert_close(model(case.examples.select(batch, [i])), together[i : i + 1], rtol=0, atol=1e-10)

    def test_gradients_reach_every_parameter(self, model, batch):
        # In evaluation mode: while training, the bias of a linear layer before a batch norm has none.
        CrossEntropy().terms(model, batch)[0]["loss"].backward()
        trained = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
        assert [name for name, grad in trained.items() if grad is None or not grad.abs().max() > 1e-12] == []

    def test_gradients_are_those_of_finite_differences(self, model, batch):
        if not getattr(model, "exact_gradient", True):
            pytest.skip("says that it takes some factors as constants")
        model.train()
        loss = _loss_without_dropout(model, batch)
        loss.backward()
        g = torch.Generator().manual_seed(0)
        direction = [torch.randn(p.shape, generator=g, dtype=p.dtype) * p.requires_grad for p in model.parameters()]
        slope = sum((p.grad * d).sum() for p, d in zip(model.parameters(), direction, strict=True) if p.requires_grad)
        step = 1e-9  # few ReLUs have their kink within it
        values = []
        for sign in (1, -1):
            moved = copy.deepcopy(model)
            with torch.no_grad():
                for p, d in zip(moved.parameters(), direction, strict=True):
                    p += sign * step * d
                values.append(_loss_without_dropout(moved, batch))
        assert_close((values[0] - values[1]) / (2 * step), slope.detach(), rtol=1e-4, atol=1e-6)

    def test_learns_one_batch_by_heart(self, case):
        batch = case.examples.random(8)
        model, optimizer = case.build(torch.float32), None
        for step in range(0, N_STEPS, 5):
            optimizer = optimizer if step % 20 else Adam(model.parameters(), lr=3e-3)  # momenta are forgotten
            train(model, batch, n_steps=5, optimizer=optimizer)
            if (model(batch).argmax(1) == batch.label).all():
                return
        pytest.fail(f"8 examples are not learned in {N_STEPS} steps")

    def test_a_state_dict_restores_it(self, model, case, batch, tmp_path):
        torch.save(model.state_dict(), tmp_path / "model.pt")
        fresh = case.build().eval()
        assert not torch.equal(fresh(batch), model(batch))
        fresh.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
        assert torch.equal(fresh(batch), model(batch))

    @pytest.mark.parametrize("training", [True, False])
    def test_examples_with_hardly_anything_in_them_give_finite_outputs(self, case, training):
        smallest, select = case.examples.smallest(), case.examples.select
        model = case.build().train(training)
        for batch in (smallest, select(smallest, [0, 2]), select(smallest, [1])):
            logits = model(batch)
            logits.sum().backward()
            assert logits.isfinite().all()
            assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)

    def test_frozen_layers_keep_their_statistics_and_there_is_a_head_to_train(self, model, batch):
        names = [name for name, _ in model.named_parameters()]
        assert 0 < sum(is_within(name, head_of(model)) for name in names) < len(names)
        model.train()
        for layer in model.modules():
            if list(layer.buffers(recurse=False)):
                layer.eval()
        before = copy.deepcopy(dict(model.named_buffers()))
        model(batch)
        for name, buffer in model.named_buffers():
            assert torch.equal(buffer, before[name]), name

    def test_float32_weights_give_the_float64_prediction_within_its_digits(self, model, batch):
        logits = copy.deepcopy(model).float()(batch)
        assert logits.dtype == torch.float32
        assert_close(logits.double(), model(batch), rtol=1e-2, atol=1e-2)

    @pytest.mark.parametrize("training", [True, False])
    def test_never_waits_for_the_device(self, case, batch, training):
        """Tensors without data: whatever reads a value back (item, tolist, a boolean index, `if tensor`) raises. Nor
        does it copy anything from the CPU that the device must wait for, or mix tensors of the two."""
        model, batch = case.build(torch.float32).to("meta").train(training), batch.to("meta")
        with on_one_device():
            CrossEntropy().terms(model, batch)[0]["loss"].backward()


class ParticleConformance(Fixtures):
    """What models of particles do besides."""

    def test_does_not_depend_on_the_order_of_particles(self, model, batch):
        assert_close(model(permute(batch)), model(batch), rtol=0, atol=1e-10)

    def test_does_not_depend_on_padding(self, model, batch):
        assert_close(model(pad(batch, 7)), model(batch), rtol=0, atol=1e-10)

    @pytest.mark.parametrize("training", [True, False])
    def test_padding_may_hold_anything(self, model, batch, training):
        model.train(training)
        p4 = torch.where(batch.mask[..., None], batch.p4, 1e3)
        scalars = torch.where(batch.mask[..., None], batch.scalars, 1e3)
        expected = _with_seed(model, batch)
        assert_close(_with_seed(model, replace(batch, p4=p4, scalars=scalars)), expected, rtol=0, atol=1e-10)

    @pytest.mark.parametrize("beta", [0.3, 0.6, 0.95])
    def test_does_not_change_under_lorentz_transformations(self, model, batch, beta):
        if claims.LORENTZ not in claims.claims(model):
            pytest.skip("does not claim to be Lorentz-invariant")
        for seed in range(5):
            moved = transform(batch, random_lorentz(beta, seed))
            assert_close(model(moved), model(batch), rtol=1e-8, atol=1e-12)

    @pytest.mark.parametrize("turn", [Rotation(30.0, Z), Rotation(170.0, Z)], ids=["30", "170"])
    def test_does_not_change_under_rotations_about_the_beam(self, model, batch, turn):
        if claims.ABOUT_BEAM not in claims.claims(model):
            pytest.skip("does not claim to be invariant about the beam")
        assert_close(model(turn(batch, torch.Generator())), model(batch), rtol=1e-7, atol=1e-7)

    @pytest.mark.parametrize("boost", [Boost(0.3, Z), Boost(0.95, Z)], ids=["0.3", "0.95"])
    def test_does_not_change_under_boosts_along_the_beam(self, model, batch, boost):
        if claims.ALONG_BEAM not in claims.claims(model):
            pytest.skip("does not claim to be invariant under boosts along the beam")
        assert_close(model(boost(batch, torch.Generator())), model(batch), rtol=1e-8, atol=1e-10)

    @pytest.mark.parametrize("more", [SoftParticle(1e-10), CollinearPair(0.0)], ids=["soft", "collinear"])
    def test_is_infrared_and_collinear_safe(self, model, batch, more):
        if claims.IRC not in claims.claims(model):
            pytest.skip("does not claim to be infrared and collinear safe")
        moved = more(batch, torch.Generator().manual_seed(0))
        assert_close(model(moved), model(batch), rtol=0, atol=1e-7)

    def test_gradients_to_the_momenta_are_finite(self, model, batch):
        p4 = batch.p4.clone().requires_grad_()
        model(replace(batch, p4=p4)).sum().backward()
        assert p4.grad.isfinite().all()
        assert (p4.grad[~batch.mask] == 0).all()

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


class ImageConformance(Fixtures):
    """What models of images do besides."""

    @pytest.mark.parametrize("change", [Turn(90.0), Turn(180.0), Mirrored()], ids=["90", "180", "mirrored"])
    def test_does_not_change_under_the_symmetries_of_the_pixels_that_it_claims(self, model, batch, change):
        claim = claims.REFLECTIONS if isinstance(change, Mirrored) else claims.RIGHT_ANGLES
        if claim not in claims.claims(model):
            pytest.skip(f"does not claim {claim}")
        assert_close(model(change(batch, torch.Generator())), model(batch), rtol=0, atol=1e-10)


class GraphConformance(Fixtures):
    """What models of graphs do besides."""

    def test_does_not_depend_on_the_order_of_nodes_and_edges(self, model, batch):
        assert_close(model(permute_nodes(batch)), model(batch), rtol=0, atol=1e-10)

    def test_edges_matter(self, model, batch):
        alone = replace(batch, edge_index=batch.edge_index[:, :0])
        assert not torch.allclose(model(alone), model(batch), rtol=0, atol=1e-6)


def _with_seed(model: nn.Module, batch: JetBatch) -> torch.Tensor:
    torch.manual_seed(0)  # the same dropout
    return model(batch)


def _loss_without_dropout(model: nn.Module, batch: Batch) -> torch.Tensor:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    return CrossEntropy().terms(model, batch)[0]["loss"]
