"""Random views and augmentation in a training: what they depend on, where they are drawn, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.representation import Particles
from hepexp.data.views.augmentation import Augmentation
from hepexp.data.views.views import KINDS, TYPICAL, names_of
from hepexp.errors import ConfigError
from hepexp.learning import contracts
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.supervised_contrastive import SupervisedContrastive
from tests.data.small import use_small_samples
from tests.examples import random_graphs, random_particles
from tests.learning.test_contracts import components_of
from tests.learning.views import components_with_augmentation, components_with_views

CONTRASTIVE = "loss=supervised_contrastive"


@pytest.fixture
def small_samples(monkeypatch, tmp_path):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    use_small_samples(monkeypatch)


def module_of_rank(rank: int = 0, seed: int = 1):
    made = components_with_views()
    made.module.seed = seed
    made.module._trainer = SimpleNamespace(global_rank=rank)
    return made.module, made.data._batch(torch.arange(16))


def test_views_follow_from_seed_step_rank_and_stage_alone():
    def drawn(number=3, rank=0, seed=1, stage="train"):
        module, batch = module_of_rank(rank, seed)
        torch.manual_seed(number + rank)  # of no influence
        return module.with_views(batch, number, stage).views[0].p4

    assert torch.equal(drawn(), drawn())
    for other in ({"number": 4}, {"rank": 1}, {"seed": 2}, {"stage": "test"}):
        assert not torch.allclose(drawn(), drawn(**other)), other


def test_augmentation_follows_from_seed_step_and_rank_and_is_of_training_steps_alone():
    made = components_with_augmentation()
    module, batch = made.module, made.data._batch(torch.arange(16))
    seen: list[torch.Tensor] = []
    terms = module.objective.terms
    module.objective.terms = lambda model, batch: (seen.append(batch.p4), terms(model, batch))[1]

    def drawn(step=3, rank=0, seed=1):
        module.seed = seed
        trainer = {"global_step": step, "accumulate_grad_batches": 1, "num_training_batches": 6, "global_rank": rank}
        module._trainer = SimpleNamespace(**trainer)
        torch.manual_seed(step + rank)  # of no influence
        module.training_step(batch, 0)
        return seen[-1]

    assert torch.equal(drawn(), drawn())
    for other in ({"step": 4}, {"rank": 1}, {"seed": 2}):
        assert not torch.allclose(drawn(), drawn(**other)), other
    module.validation_step(batch, 0)
    assert torch.equal(seen[-1], batch.p4)


@pytest.mark.parametrize(
    ("objective", "data", "said"),
    [
        (SupervisedContrastive(), {"mixup": 0.2}, "SupervisedContrastive does not take mixtures of classes: leave out"),
        (CrossEntropy(), {"mixup": 0.2, "weighted": True}, "dataset.augment.mixup does not mix the weights of exam"),
        (CrossEntropy(), {"drop": 0.2, "element_targets": ["pt"]}, "dataset.augment.drop may drop or reorder elements"),
        (
            CrossEntropy(),
            {"rotate": 9, "smear": 0.1, "pair_targets": ["vertex"]},
            "dataset.augment.smear may drop or re",
        ),
        (CrossEntropy(), {"crop": 0.2}, "dataset.augment.crop is a view of image, but this model reads particles"),
    ],
)
def test_augmentation_that_fits_neither_loss_nor_data_is_refused(objective, data, said):
    keys = {key: data.pop(key) for key in ("mixup", "drop", "rotate", "smear", "crop") if key in data}
    data = SimpleNamespace(augment=Augmentation(**keys), representation=Particles(), **data)
    with pytest.raises(ConfigError) as error:
        contracts.check_augmentation(objective, data)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("form", "make"), [(Particles(), random_particles), (ParticleGraph(), random_graphs)])
def test_views_that_keep_elements_may_augment_examples_with_element_targets(form, make):
    """What else a particle or node has tells which one it is: each stays where it was, with its edges."""
    for name in names_of(form.name):
        data = SimpleNamespace(
            augment=Augmentation(**{name: TYPICAL[name]}), representation=form, element_targets=["x"]
        )
        if not KINDS[name].of[form.name].keeps_elements:
            with pytest.raises(ConfigError, match=rf"^dataset.augment.{name} may drop or reorder elements"):
                contracts.check_augmentation(CrossEntropy(), data)
            continue
        batch = make(20)
        moved = contracts.check_augmentation(CrossEntropy(), data)(batch, 1)
        if form.name == "particles":
            assert torch.equal(moved.scalars, batch.scalars)
            assert torch.equal(moved.mask, batch.mask)
        else:
            assert torch.equal(moved.edge_index, batch.edge_index)
            kept = moved.x != 0
            assert torch.equal(moved.x[kept], batch.x[kept])
            assert kept.double().mean() > 0.5


def test_views_are_compared_and_the_examples_themselves_are_embedded():
    module, batch = module_of_rank()
    shown = module.with_views(batch, 0, "test")
    objective, model = module.objective.eval(), module.model.eval()
    terms, outputs = objective.terms(model, shown)
    assert torch.equal(outputs["embedding"], model(batch).detach())
    first, second = (model(view) for view in shown.views)
    assert_close(terms["loss"], objective.compare(torch.cat([first, second]), batch.label.repeat(2)))
    assert not torch.allclose(terms["loss"], objective.terms(model, batch)[0]["loss"])


def test_a_batch_goes_to_a_device_with_its_views():
    module, batch = module_of_rank()
    moved = module.with_views(batch, 0, "train").to("meta")
    assert moved.views[1].p4.device.type == moved.p4.device.type == "meta"


class ComparesViews(SupervisedContrastive):
    """A loss that has nothing to compare without views."""

    needs_views = True


def refused(objective: nn.Module, **data) -> str:
    with pytest.raises(ConfigError) as error:
        contracts.check_views(objective, SimpleNamespace(**data))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_loss_that_needs_views_says_how_to_turn_some_on():
    particles = SimpleNamespace(name="particles")
    assert "such as dataset.views.rotate=180" in refused(ComparesViews(), views=None, representation=particles)
    assert "there are none of these data" in refused(ComparesViews(), representation=particles)
    assert contracts.check_views(CrossEntropy(), SimpleNamespace(views=None, representation=particles)) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model=pfn", "data.views.rotate=90"), "CrossEntropy compares no views of examples: leave out dataset.views."),
        (("model=graph_encoder", CONTRASTIVE, "data.views.rotate=90"), "expected one of drop_edges, drop_nodes, mask"),
        (("model=pfn", CONTRASTIVE, "data.views.crop=0.2"), "dataset.views.crop is a view of image, but this model"),
        (("model=pfn", CONTRASTIVE, "data.views.rotate=-1"), "dataset.views.rotate must be from 0 to 180 degrees, go"),
        (("model=pfn", CONTRASTIVE, "data.views.soft=-0.1"), "dataset.views.soft must be >= 0 GeV, got -0.1"),
        (("data=top", "data.beams=true", "model=pfn", CONTRASTIVE, "data.views.boost=1"), "do not tell the beams of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_views_that_fit_neither_loss_nor_data_are_refused(small_samples, words, said):
    with pytest.raises(ConfigError) as error:
        components_of(*words)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "words",
    [
        ("data=qg", "model=pfn", "data.views={rotate: 180, boost: 1, translate: 1, split: 0.3, soft: 0.1}"),
        ("data=jetclass", "model=lorentznet", "data.views={smear: 0.1, drop: 0.2, split: 0.3}"),
        ("data=qg_images", "data.crop=16", "model=cnn", "data.views={rotate: 180, flip: true, crop: 0.3, noise: 0.1}"),
        ("data=qg", "model=graph_encoder", "data.views={drop_nodes: 0.2, drop_edges: 0.1, mask_features: 0.2}"),
        ("data=mnist", "model=cnn", "data.image.scale=standard", "data.views={rotate: 20, crop: 0.2}"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_models_of_each_representation_train_on_views(small_samples, words):
    components = components_of(CONTRASTIVE, *words)
    module, batch = components.module.train(), next(iter(components.data.train_dataloader()))
    shown = module.with_views(batch, 0, "train")
    terms, _ = module.objective.terms(module.model, shown)
    terms["loss"].backward()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
    again = replace(batch, views=module.draw_views(batch, 1))
    assert not torch.equal(module.objective.terms(module.model, again)[0]["loss"], terms["loss"])


def test_an_image_network_trains_on_mixtures_of_rotated_images(small_samples):
    components = components_of("data=mnist", "model=cnn", "data.augment={rotate: 20, noise: 0.1, mixup: 0.4}")
    module, batch = components.module.train(), next(iter(components.data.train_dataloader()))
    mixed = module.augment(batch, 1)
    terms, _ = module.objective.terms(module.model, mixed)
    terms["loss"].backward()
    assert all(p.grad.isfinite().all() for p in module.parameters() if p.grad is not None)
    assert not torch.equal(mixed.image, batch.image)
    assert torch.equal(mixed.label, batch.label)
