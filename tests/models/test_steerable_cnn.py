"""The steerable network: the sizes of ML4SCI 2023, its symmetry to all digits, and its export to plain convolutions."""

import copy
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import ImageBatch
from hepexp.config.compose import Composer
from hepexp.errors import ConfigError
from hepexp.learning.components import build_components
from hepexp.models.plain_cnn import PlainCNN
from hepexp.models.steerable_cnn import SteerableCNN
from tests.examples import random_images
from tests.models.conformance import train

GROUPS = ("C4", "C8", "D4", "D8", "SO2", "O2")
SMALL = {"widths": (3, 3, 4), "convs": (1, 2, 1)}


def images(size: int, n: int = 8) -> ImageBatch:
    """Images of which one in twenty pixels is not zero."""
    g = torch.Generator().manual_seed(size)
    shape = (n, 3, size, size)
    image = torch.empty(shape).exponential_(generator=g) * (torch.rand(shape, generator=g) < 0.05)
    return replace(random_images(n), image=image.double())


def trained(kind, size: int, **keys):
    """In float64 and evaluation mode, after a few steps."""
    torch.manual_seed(0)
    model = kind(**SMALL, **keys, image_shape=(3, size, size), n_classes=2).double()
    train(model, images(size), n_steps=5, lr=1e-2)
    return model


@pytest.fixture(params=GROUPS)
def model(request) -> SteerableCNN:
    return trained(SteerableCNN, 32, group=request.param)


def change(model: nn.Module, batch: ImageBatch, moved: torch.Tensor) -> float:
    """Largest change of a logit, over the spread of the logits among images."""
    logits = model(batch)
    return float(((model(replace(batch, image=moved)) - logits).abs().max() / logits.std(0).min()).detach())


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


DOCUMENT = {
    ("C4", "full"): 3_339_361,
    ("C8", "full"): 6_675_553,
    ("D4", "full"): 6_675_553,
    ("D8", "full"): 13_347_937,
    ("C4", "lite"): 835_633,
    ("C8", "lite"): 1_669_681,
    ("D4", "lite"): 1_669_681,
    ("D8", "lite"): 3_337_777,
}


@pytest.mark.parametrize(("group", "size"), DOCUMENT)
def test_with_one_logit_it_has_the_parameters_of_ml4sci_2023(group: str, size: str):
    model = SteerableCNN(group, size, image_shape=(3, 127, 127), n_classes=1)
    assert count(model) == DOCUMENT[group, size]
    assert model.classifier.in_features == (128 if size == "full" else 64)  # a further logit adds so many and one


@pytest.mark.parametrize(("group", "between", "components"), [("SO2", 24, 3), ("O2", 48, 6)])
def test_fields_of_continuous_groups_have_the_parameters_of_their_kernels(group: str, between: int, components: int):
    """24 kernels between fields of SO(2) up to frequency 2, 48 of O(2); 6 of either from and to a scalar."""
    widths = [8, 8, 16, 16, *4 * [32], *8 * [64]]
    kernels = 6 * 3 * 8 + between * sum(a * b for a, b in pairwise(widths[:-1])) + 6 * 64 * 64
    norms = (components + 1) * sum(widths[:-1]) + 2 * 64 - (8 if group == "O2" else 0)  # O(2): 8 pseudoscalars less
    model = SteerableCNN(group, "lite", image_shape=(3, 127, 127), n_classes=2)
    assert count(model) == kernels + norms + 65 * 2


def test_the_plain_twin_has_the_parameters_of_ml4sci_2023():
    assert count(PlainCNN(image_shape=(3, 127, 127), n_classes=1)) == 1_254_385
    assert count(PlainCNN(image_shape=(3, 127, 127), n_classes=2)) == 1_254_385 + 129


@pytest.mark.parametrize("size", [30, 33])
@pytest.mark.parametrize("group", GROUPS)
def test_logits_do_not_change_under_the_symmetries_of_the_lattice(group: str, size: int):
    model, batch = trained(SteerableCNN, size, group=group), images(size)
    for quarter in range(1, 4):
        assert change(model, batch, torch.rot90(batch.image, quarter, (2, 3))) < 1e-10
    flipped = change(model, batch, batch.image.flip(3))
    assert flipped < 1e-10 if group in ("D4", "D8", "O2") else flipped > 1e-3  # rotations know left from right


@pytest.mark.parametrize("size", [30, 33])
@pytest.mark.parametrize("group", ["SO2", "O2"])
@pytest.mark.parametrize("max_frequency", [1, 3])
def test_nor_do_they_with_components_that_are_shortened(group: str, max_frequency: int, size: int):
    model = trained(SteerableCNN, size, group=group, nonlinearity="norm", max_frequency=max_frequency)
    batch = images(size)
    assert change(model, batch, torch.rot90(batch.image, 1, (2, 3))) < 1e-10
    flipped = change(model, batch, batch.image.flip(3))
    assert flipped < 1e-10 if group == "O2" else flipped > 1e-3


def test_the_plain_twin_changes_under_a_rotation():
    model, batch = trained(PlainCNN, 32), images(32)
    assert change(model, batch, torch.rot90(batch.image, 1, (2, 3))) > 1e-2


def test_the_export_gives_equal_logits_from_plain_layers_alone(model):
    batch, plain = images(32), model.export()
    assert_close(plain(batch.image), model(batch), rtol=1e-10, atol=1e-12)
    convs = [layer for layer in plain.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convs) == sum(SMALL["convs"])
    without_parameters = {"DiskMask", "BlurPool", "GlobalMax", "GroupPool", "FourierELU"}
    kinds = {type(layer).__name__ for layer in plain.modules()}
    assert kinds - without_parameters == {"Sequential", "Conv2d", "ReLU", "Linear"}
    with torch.no_grad():
        assert torch.equal(model(batch), plain(batch.image))


def test_evaluation_without_gradients_follows_the_weights(model):
    batch, keys = images(32), set(model.state_dict())
    fresh = copy.deepcopy(model)
    with torch.inference_mode():
        before = model(batch)
    assert_close(model(batch), before, rtol=1e-10, atol=1e-12)
    assert set(model.state_dict()) == keys
    with torch.no_grad():
        model.classifier.bias += 1
        assert_close(model(batch), before + 1, rtol=1e-10, atol=1e-12)
        fresh(batch)
        fresh.load_state_dict(model.state_dict())
        assert_close(fresh(batch), before + 1, rtol=1e-10, atol=1e-12)
        assert_close(copy.deepcopy(fresh).float()(batch).double(), before + 1, rtol=1e-3, atol=1e-3)
    train(model, batch, n_steps=2)
    with torch.no_grad():
        after = model(batch)
    assert_close(model(batch), after, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(after, before + 1, atol=1e-3)


def outputs(model: str, angle: int) -> torch.Tensor:
    """Scores of the test images, turned, by an untrained model that the configuration describes."""
    widths = ("model.widths=[3,3]", "model.convs=[1,1]")
    sizes = ("dataset.source=mini", "dataset.n_train=8", "dataset.n_val=8", "dataset.n_test=16", "dataset.crop=33")
    words = (f"model={model}", "dataset=qg_images", *widths, *sizes, f"+dataset.image.angle={angle}")
    components = build_components(Composer([]).compose(list(words)))
    batch = next(iter(components.data.loader_of("test")))
    module = components.module.eval()
    with torch.no_grad():
        return module.objective.outputs(module.model, batch)["scores"][batch.index.argsort()]


def test_test_images_turned_by_the_key_of_the_data_set_keep_their_scores(monkeypatch, tmp_path):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    assert_close(outputs("steerable_cnn", 90), outputs("steerable_cnn", 0), rtol=1e-5, atol=1e-6)
    assert (outputs("plain_cnn", 90) - outputs("plain_cnn", 0)).abs().max() > 1e-4


@pytest.mark.parametrize("kind", [SteerableCNN, PlainCNN])
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"widths": []}, "model.widths must be one or more numbers > 0, got []"),
        ({"widths": [4, 0], "convs": [1, 1]}, "model.widths must be one or more numbers > 0, got [4, 0]"),
        ({"widths": [4, 4], "convs": [1]}, "model.convs must have one number for each of the 2 stages, got [1]"),
        ({"widths": [4], "convs": [0]}, "model.convs must be one or more numbers > 0, got [0]"),
        ({"widths": [4], "convs": [1], "sigma": 0.0}, "model.sigma must be from 0.1 to 100 pixels, got 0.0"),
    ],
)
def test_stages_that_cannot_be_built_are_refused(kind, keys, message: str):
    with pytest.raises(ConfigError) as error:
        kind(**keys, image_shape=(3, 32, 32), n_classes=2)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("keys", "shape", "message"),
    [
        ({"group": "C3"}, (3, 32, 32), "model.group must be one of C4, C8, D4, D8, SO2, O2, got 'C3'"),
        ({"group": "SO2", "max_frequency": 9}, (3, 32, 32), "model.max_frequency must be from 1 to 8, got 9"),
        ({"max_frequency": 2}, (3, 32, 32), "model.max_frequency is of the groups SO2 and O2, leave it out for C4"),
        (
            {"group": "D4", "nonlinearity": "norm"},
            (3, 32, 32),
            "model.nonlinearity is of the groups SO2 and O2, leave it out for D4",
        ),
        ({"group": "O2", "nonlinearity": "elu"}, (3, 32, 32), "model.nonlinearity must be fourier or norm, got 'elu'"),
        ({"size": "tiny"}, (3, 32, 32), "model.size must be one of full, lite, got 'tiny'"),
        ({}, (3, 32, 30), "steerable_cnn needs square images, got 32 x 30; set dataset.image.pad_to"),
    ],
)
def test_what_has_no_symmetry_is_refused(keys, shape, message: str):
    with pytest.raises(ConfigError) as error:
        SteerableCNN(**keys, image_shape=shape, n_classes=2)
    assert str(error.value) == message
