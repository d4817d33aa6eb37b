"""Every model trains on every data set of jets, in the form that it reads, through the configuration of the command.

Of all pairs, those in `COVERING` are tested by default: each model with one data set, and each data set with a model of
each form. The others are slow: pytest -m slow tests/commands/test_cross_product.py
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from hepexp.config import kind, targets
from hepexp.config.compose import Composer
from hepexp.config.paths import conf_dir
from hepexp.errors import ConfigError
from hepexp.learning.components import Components, build_components
from tests.data.small import REPRESENTATIONS, use_small_samples
from tests.unlike_classifiers import NO_DATA, NO_STEPS, OF_CLOUDS, OF_DECAYS, OF_ELEMENTS, OF_SHOWERS

# models that cannot read jets, and what they say then
NOT_OF_JETS = {name: f"model={name} reads no data, but the data set has 8 features" for name in sorted(NO_DATA)}
MODELS = sorted(
    {path.stem for path in (conf_dir() / "model").glob("*.yaml")}
    - (NO_DATA | OF_ELEMENTS | OF_CLOUDS | OF_SHOWERS | OF_DECAYS | NO_STEPS)
)
LOSSES = {
    "graph_encoder": ("loss=supervised_contrastive",),
    "fidelity_net": ("loss=supervised_contrastive",),
    "cathode": ("loss=cathode",),
    "feature_flow": ("loss=flow_nll",),
    "vae": ("loss=elbo", "model.n_latent=8"),
    "jet_vrnn": ("loss=vrnn",),
    "latent_flow": ("loss=latent_flow",),
    "image_latent_flow": ("loss=latent_flow", "loss.min_spread=1e-12"),
    "lie_latents": ("loss=lie_gan",),
    "lie_points": ("loss=lie_gan",),
    "lie_momenta": ("loss=lie_gan", "model.n_leading=1"),  # a crop may leave one pixel
    "conv_autoencoder": ("loss=equivariant_autoencoder",),
}
JETS = [
    data_set.info.name
    for data_set, names in REPRESENTATIONS.items()
    if "particles" in names and len(data_set.info.classes) > 1
]


def covering() -> set[tuple[str, str]]:
    """Pairs with every model once, and every data set once with models of each form of its jets."""
    of_form: dict[str, list[str]] = {}
    for model in MODELS:
        target = yaml.safe_load((conf_dir() / "model" / f"{model}.yaml").read_text())["_target_"]
        of_form.setdefault(targets.load(target, kind.of_group("model")).input, []).append(model)
    return {
        (models[i % len(models)], JETS[i % len(JETS)])
        for models in of_form.values()
        for i in range(max(len(models), len(JETS)))
    }


COVERING = covering()
PAIRS = [
    pytest.param(model, data_set, marks=() if (model, data_set) in COVERING else pytest.mark.slow)
    for model in MODELS
    for data_set in JETS
]
OTHER_IMAGES = [
    data_set.info.name for data_set, names in REPRESENTATIONS.items() if "image" in names and "particles" not in names
]
SMALL = ("dataset.source=mini", "dataset.batch_size=8", "dataset.n_train=24", "dataset.n_val=4", "dataset.n_test=4")
EPOCH = ("trainer=quick", "trainer.max_epochs=1")
CONSTANT = ("optimizer=adamw", "optimizer.schedule=constant")  # not a warm-up, whose first steps are small


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    use_small_samples(monkeypatch)


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer([])


def two_steps(components: Components) -> list[float]:
    """Losses of two steps on the first batches of the training loader."""
    module = components.module.train()
    optimizer, _ = module.optimizer.build(module.parameters(), 2)
    losses = []
    for _, batch in zip(range(2), components.data.train_dataloader(), strict=False):
        optimizer.zero_grad()
        loss = module.objective.terms(module.model, batch)[0]["loss"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def an_epoch(components: Components) -> list[float]:
    """Mean losses of an epoch of a training that steps by itself."""
    module = components.module
    components.trainer.build([], clips=module.automatic_optimization).fit(module, datamodule=components.data)
    return list(module.training_means().values())


def trains(composer: Composer, model: str, data_set: str, *keys: str) -> None:
    """Two steps move the weights, and the model still gives each example of a batch its scores or its embedding."""
    choices = [f"model={model}", f"dataset={data_set}", *LOSSES.get(model, ())]
    components = build_components(composer.compose([*choices, *SMALL, *EPOCH, *CONSTANT, *keys]))
    assert components.data.representation.name == components.module.model.input
    before = [parameter.detach().clone() for parameter in components.module.parameters()]
    losses = two_steps(components) if components.module.automatic_optimization else an_epoch(components)
    assert len(losses) >= 2
    assert torch.tensor(losses).isfinite().all()
    assert any(not torch.equal(old, new) for old, new in zip(before, components.module.parameters(), strict=True))
    batch = next(iter(components.data.loader_of("val")))
    with torch.no_grad():
        outputs = components.module.objective.outputs(components.module.model.eval(), batch)
    if model not in LOSSES:
        assert outputs["scores"].shape == (len(batch), components.data.spec.n_classes)
    assert all(len(values) == len(batch) and values.isfinite().all() for values in outputs.values())


@pytest.mark.parametrize(("model", "data_set"), PAIRS)
def test_every_model_trains_on_every_data_set_of_jets(composer, model, data_set):
    trains(composer, model, data_set)


@pytest.mark.parametrize("model", NOT_OF_JETS)
def test_a_model_that_reads_no_jets_says_so(composer, model):
    with pytest.raises(ConfigError, match=NOT_OF_JETS[model]):
        build_components(composer.compose([f"model={model}", "dataset=qg", *SMALL]))


@pytest.mark.parametrize("data_set", OTHER_IMAGES)
def test_a_model_of_images_trains_on_the_other_images(composer, data_set):
    trains(composer, "cnn", data_set)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_trains_on_images_that_a_crop_leaves_nearly_empty(composer, model):
    trains(composer, model, "qg_images", "dataset.channels=[hcal]", "dataset.crop=8")
