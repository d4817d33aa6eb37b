"""Networks trained with few labels: on which examples, from which weights, and what they leave alone."""

from __future__ import annotations

import copy
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from torch import nn

from hepexp.batch import Batch
from hepexp.config.compose import Composer
from hepexp.errors import ConfigError
from hepexp.evaluation.embeddings.few_labels import FINE_TUNED, FROM_SCRATCH, labelled_subset, scores_column
from hepexp.learning import contracts
from hepexp.learning.components import build_components
from hepexp.learning.few_labels import Labelled, few_label_scores
from hepexp.learning.trained import evaluate
from tests.examples import N_FEATURES, random_features
from tests.learning.toy import ToyData

SMALL = ("trainer=quick", "trainer.progress=false", "dataset.n_train=60", "dataset.n_test=39", "dataset.batch_size=8")
NETWORKS = {
    "two views": ("model=pfn", "dataset=qg", "loss=ntxent", "dataset.views.rotate=180"),
    "siamese": ("task=siamese_mnist_hybrid",),
    "prototypes and frozen layers": (
        *("model=pfn", "dataset=qg", "loss=swav", "dataset.views.rotate=180"),
        *("loss.embedding_dim=6", "optimizer.freeze=[body]"),
    ),
}


@pytest.fixture(autouse=True)
def shipped_samples(monkeypatch, tmp_path):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))


def made(*words: str):
    config = Composer([]).compose([*SMALL, "evaluation.fine_tune_steps=6", "evaluation.label_fractions=[0.2]", *words])
    components = build_components(config)
    return components, evaluate(components, components.data.loader_of("test"))


@pytest.mark.parametrize("words", NETWORKS.values(), ids=NETWORKS)
def test_fine_tuning_untrained_weights_is_training_from_scratch_and_leaves_the_network_alone(words):
    components, outputs = made(*words)
    model, random = components.module.model, torch.get_rng_state()
    before = copy.deepcopy(model.state_dict())
    tuned, scratch = (scores_column(name, 0.2) for name in (FINE_TUNED, FROM_SCRATCH))
    found = few_label_scores(components, "test", outputs)
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    np.testing.assert_array_equal(found[tuned], found[scratch])
    assert found[tuned].shape == (len(outputs["index"]), 2)

    with torch.no_grad():
        next(model.parameters()).mul_(1.1)  # other weights than those of the seed
    again = few_label_scores(components, "test", outputs)
    np.testing.assert_array_equal(again[scratch], found[scratch])
    assert not np.allclose(again[tuned], found[tuned])

    figures = components.module.objective.evaluator.final(outputs | found, seed=1)
    for name in ("accuracy", "auc", "rejection_0.5"):
        assert figures[f"fine_tuned_{name}_at_0.2"] == figures[f"from_scratch_{name}_at_0.2"]
        assert f"fine_tuned_{name}_at_0.2_err" in figures


def test_batches_hold_each_example_of_the_subset_once_an_epoch_and_no_other():
    components, outputs = made(*NETWORKS["two views"])
    label = outputs["training/label"]
    chosen = outputs["training/index"][labelled_subset(label, 0.8, seed=1)]
    n = len(chosen) // 8
    batches = [batch.index.numpy() for batch in islice(components.data.shuffled(chosen), 3 * n)]
    for epoch in range(3):
        seen = np.concatenate(batches[epoch * n : (epoch + 1) * n])
        assert len(seen) == len({*seen}) == 8 * n
        assert {*seen} <= {*chosen}
    assert not np.array_equal(batches[0], batches[n])


class Narrow(nn.Module):
    """Two linear layers, the second with weights of a given size."""

    def __init__(self, size: float):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(N_FEATURES, 4), nn.Linear(4, 2)
        nn.init.constant_(self.second.weight[0], size)
        nn.init.constant_(self.second.weight[1], -size)

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.second(self.first(batch.features))


def trained(size: float, precision: Precision) -> torch.Tensor:
    """Weights of the first layer after a few steps."""
    trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("cpu")), precision_plugin=precision)
    module = SimpleNamespace(trainer=trainer, optimizer=SimpleNamespace(lr=1e-2))
    labelled = Labelled(SimpleNamespace(module=module, data=None, untrained=None), steps=8)
    network = Narrow(size)
    labelled.train(network, [random_features(64)] * labelled.steps, lambda: None)
    return network.first.weight.detach()


@pytest.mark.filterwarnings("error")
def test_gradients_too_small_or_too_large_for_float16_train_as_in_float32():
    small = [trained(1e-6, precision) for precision in (Precision(), MixedPrecision("16-mixed", "cpu"))]
    torch.testing.assert_close(*small, rtol=0, atol=2e-3)
    start = Narrow(1e-6).first.weight
    assert (small[0] - start).abs().max() > 2e-2
    large = trained(100, MixedPrecision("16-mixed", "cpu"))  # the first steps overflow and are left out
    assert large.isfinite().all()
    assert not torch.equal(large, start)


def test_what_cannot_be_fine_tuned_is_refused_in_one_line():
    config = ["model=pfn", "dataset=qg", "evaluation.fine_tune_steps=5"]
    with pytest.raises(ConfigError, match=r"evaluation.fine_tune_steps is for embeddings, as of loss=supervised"):
        build_components(Composer([]).compose(config))
    with pytest.raises(ConfigError, match=r"evaluation.fine_tune_steps must be >= 0, got -1"):
        build_components(Composer([]).compose(["model=pfn", "dataset=qg", "evaluation.fine_tune_steps=-1"]))
    evaluator = made(*NETWORKS["two views"])[0].module.objective.evaluator
    with pytest.raises(ConfigError, match=r"which tests.learning.toy.ToyData does not give"):
        contracts.check_few_labels(evaluator, ToyData())
