"""The class of each particle: the loss of a model that knows nothing, padding, weights, and the evaluator's counts."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, JetBatch, Target
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.elements import ElementEvaluator
from hepexp.evaluation.evaluators.evaluator import named
from hepexp.losses.element_cross_entropy import ElementCrossEntropy
from tests.jets import pad, random_jets

SPEC = DataSpec(("a", "b"), targets=(Target("type", "class", "element", ("hadron", "photon", "muon")),))


class OfParticles(nn.Module):
    """Logits of each particle from its own momentum, or the same for all."""

    def __init__(self, constant: bool = False):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 3, dtype=torch.float64)
        self.scale = 0.0 if constant else 1e-3

    def forward(self, batch: JetBatch) -> torch.Tensor:
        return self.scale * self.layer(batch.p4)


def jets() -> JetBatch:
    batch = random_jets()
    label = (batch.p4[..., 1] > 0).long() + (batch.p4[..., 2] > 0).long()
    return replace(batch, element_label=label.masked_fill(~batch.mask, -1)[..., None])


def test_a_model_that_knows_nothing_pays_the_log_of_the_number_of_classes():
    objective = ElementCrossEntropy()
    assert objective.n_outputs(SPEC) == 3
    terms, outputs = objective.terms(OfParticles(constant=True).eval(), jets())
    assert terms["loss"].item() == pytest.approx(math.log(3), rel=1e-3)
    assert outputs["confusion"].sum((1, 2)).tolist() == jets().mask.sum(1).tolist()


def test_more_padding_changes_nothing_and_weight_two_equals_the_example_twice():
    objective, model, batch = ElementCrossEntropy(), OfParticles(), jets()
    longer = pad(batch, 3)
    unknown = torch.full((len(batch), 3, 1), -1)
    longer = replace(longer, element_label=torch.cat([batch.element_label, unknown], dim=1))
    assert_close(objective.terms(model, longer), objective.terms(model, batch))
    weight = torch.ones(len(batch))
    weight[2] = 2
    rows = [*range(len(batch)), 2]
    twice = replace(batch, **{name: values[rows] for name, values in batch.tensors().items()})
    weighted = objective.terms(model, replace(batch, weight=weight))[0]["loss"]
    assert_close(weighted, objective.terms(model, twice)[0]["loss"])


def test_the_evaluator_counts_elements_with_the_weights_of_their_examples():
    objective, batch = ElementCrossEntropy(), jets()
    objective.prepare(OfParticles(), replace(batch, **{n: v[:1] for n, v in batch.tensors().items()}), SPEC)
    confusion = np.zeros((3, 3, 3))
    confusion[0, 0, 0], confusion[1, 0, 1], confusion[2, 1, 1] = 4, 6, 5
    outputs = {"index": np.arange(3), "label": np.zeros(3), "loss": np.ones(3), "confusion": confusion}
    found = objective.evaluator.final(outputs, seed=1)
    assert found["element_accuracy"] == pytest.approx(9 / 15)
    assert found["element_efficiency_hadron"] == pytest.approx(4 / 10)
    assert found["element_purity_photon"] == pytest.approx(5 / 11)
    weighted = objective.evaluator.quick({**outputs, "weight": np.array([2.0, 1.0, 0.0])})
    assert weighted["element_accuracy"] == pytest.approx(8 / 14)


def test_a_model_that_classifies_whole_examples_is_refused():
    example = replace(jets(), **{name: values[:1] for name, values in jets().tensors().items()})
    with pytest.raises(ConfigError, match="needs a row of 3 outputs for each element; Flatten does not give them"):
        ElementCrossEntropy().prepare(Flatten(), example, SPEC)
    with pytest.raises(ConfigError, match="reads a representation without type of each element"):
        ElementCrossEntropy().prepare(OfParticles(), replace(example, element_label=None), SPEC)


class Flatten(nn.Module):
    def forward(self, batch: JetBatch) -> torch.Tensor:
        return batch.p4.sum(1)


def test_examples_without_a_truth_have_no_figures():
    nothing = {"index": np.arange(3), "loss": np.zeros(3), "confusion": np.zeros((3, 2, 2), int)}
    found = named("test", ElementEvaluator(("a", "b")).final(nothing, seed=1))
    assert found["test/loss"] is None
    assert found["test/element_accuracy"] is None
    assert found["test/loss_note"] == "no part of these examples has a known class"
