import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.losses.cross_entropy import CrossEntropy
from tests.jets import random_jets


class Says(nn.Module):
    """A model that gives the same logits to every jet."""

    def __init__(self, *logits: float, dtype: torch.dtype = torch.float64):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits, dtype=dtype))

    def forward(self, batch):
        return self.logits.expand(len(batch), -1)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_a_model_that_knows_nothing_pays_the_log_of_the_number_of_classes(n_classes):
    terms, outputs = CrossEntropy().terms(Says(*[0.0] * n_classes), random_jets())
    assert terms["loss"].item() == pytest.approx(math.log(n_classes))
    assert_close(outputs["scores"], torch.full((8, n_classes), 1 / n_classes, dtype=torch.float64))


def test_scores_are_the_probabilities_that_the_loss_charges_for():
    jets = random_jets()
    terms, outputs = CrossEntropy().terms(Says(0.3, -1.2), jets)
    charged = -outputs["scores"].gather(1, jets.label[:, None]).log().mean()
    assert_close(terms["loss"].detach(), charged)
    assert not outputs["scores"].requires_grad


def test_label_smoothing_is_least_at_the_smoothed_target():
    """With targets (1 - s/2, s/2) the best logits are their logarithms, and the loss is their entropy."""
    s = 0.2
    jets = random_jets()
    jets.label.zero_()
    model = Says(math.log(1 - s / 2), math.log(s / 2))
    loss = CrossEntropy(label_smoothing=s).terms(model, jets)[0]["loss"]
    assert loss.item() == pytest.approx(-(1 - s / 2) * math.log(1 - s / 2) - s / 2 * math.log(s / 2))
    loss.backward()
    assert_close(model.logits.grad, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)


def test_half_precision_logits_give_float32_scores_that_sum_to_one():
    terms, outputs = CrossEntropy().terms(Says(3.1, -2.7, dtype=torch.bfloat16), random_jets())
    assert terms["loss"].dtype == outputs["scores"].dtype == torch.float32
    assert_close(outputs["scores"].sum(1), torch.ones(8))


@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_label_smoothing_is_a_share(value):
    with pytest.raises(ConfigError, match=r"loss.label_smoothing must be in \[0, 1\)"):
        CrossEntropy(label_smoothing=value)


def test_an_embedding_is_not_taken_for_scores():
    from hepexp.batch import DataSpec

    with pytest.raises(ConfigError, match="needs one output for each of 2 classes, Linear gives 5; choose a loss"):
        CrossEntropy().prepare(torch.nn.Linear(3, 5), torch.ones(1, 3), DataSpec(("a", "b")))


def test_an_example_is_charged_for_the_probability_of_its_class():
    jets = random_jets()
    terms, outputs = CrossEntropy().terms(Says(0.3, -1.2), jets)
    assert_close(outputs["loss"], -outputs["scores"].gather(1, jets.label[:, None]).log().squeeze(1))
    assert_close(outputs["loss"].mean(), terms["loss"].detach())


def test_a_mixture_costs_the_mean_of_its_classes_by_their_shares():
    """-sum_c t_c ln p_c for the target t that mixup gives, which torch has as cross entropy of probabilities."""
    jets = random_jets()
    jets.mixed_label, jets.mixed_share = jets.label.roll(1), torch.linspace(0, 0.5, len(jets))
    one_hot = torch.eye(2, dtype=torch.float64)
    share = jets.mixed_share.double()[:, None]
    target = (1 - share) * one_hot[jets.label] + share * one_hot[jets.mixed_label]
    model = Says(0.3, -1.2)
    for smoothing in (0.0, 0.2):
        loss = CrossEntropy(smoothing).terms(model, jets)[0]["loss"]
        expected = torch.nn.functional.cross_entropy(model(jets), target, label_smoothing=smoothing)
        assert_close(loss, expected)
