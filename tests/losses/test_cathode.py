"""Losses of CATHODE: data against samples, and what their evaluators say where the answer is known."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.cathode import CathodeEvaluator
from hepexp.evaluation.evaluators.densities import DensityEvaluator
from hepexp.losses.cathode import CathodeLoss
from hepexp.losses.flow_nll import FlowNll
from hepexp.models.cathode import Cathode
from hepexp.models.mlp import MLP
from tests.examples import EXAMPLES
from tests.models.test_feature_flow import features, flow

SPEC = DataSpec(("background", "signal"))


def batch_of(n: int):
    batch = EXAMPLES["features"].random(n)
    batch.features, batch.label = features(n), torch.ones(n, dtype=torch.int64)
    return batch


def test_the_loss_is_the_mean_over_data_and_samples_and_is_reproducible():
    torch.manual_seed(1)
    model, batch = Cathode(flow(), widths=(8,), n_classes=2).double().eval(), batch_of(30)
    loss = CathodeLoss().eval()
    loss.prepare(model, batch_of(1), SPEC)
    terms, outputs = loss.terms(model, batch)
    data, samples = outputs["scores"][:, 1], outputs["sample_scores"][:, 0]
    assert_close(terms["loss"], -(data.log() + samples.log()).mean() / 2)
    assert_close(loss.terms(model, batch)[0]["loss"], terms["loss"], rtol=0, atol=0)
    torch.manual_seed(2)
    first, second = (loss.train().terms(model, batch)[0]["loss"] for _ in range(2))
    assert first != second  # new samples in each step


def test_a_classifier_that_cannot_tell_data_from_samples_has_the_loss_of_a_guess():
    model, batch = Cathode(flow(), widths=(8,), n_classes=2).double().eval(), batch_of(10)
    with torch.no_grad():
        for parameter in model.layers.parameters():
            parameter.zero_()
    assert CathodeLoss().eval().terms(model, batch)[0]["loss"].item() == pytest.approx(np.log(2))


def test_figures_of_an_epoch_are_those_of_data_against_samples_and_the_closure_of_background_against_samples():
    n = 400
    data, samples = np.linspace(0.3, 0.9, n), np.linspace(0.1, 0.7, n)
    both = {"scores": np.stack([1 - data, data], 1), "sample_scores": np.stack([1 - samples, samples], 1)}
    outputs = {**both, "label": np.ones(n, int), "index": np.arange(n), "loss": np.full(n, 0.5)}
    expected = (data[:, None] > samples).mean() + (data[:, None] == samples).mean() / 2
    assert CathodeEvaluator().quick(outputs)["auc"] == pytest.approx(expected)
    outputs["label"] = np.arange(n) % 2
    found = CathodeEvaluator().final(outputs, seed=1)
    background = outputs["label"] == 0
    expected = (data[background][:, None] > samples[background]).mean()
    assert found["closure_auc"] == pytest.approx(expected, abs=0.01)
    assert found["closure_auc_err"] > 0


def test_samples_of_the_same_distribution_cannot_be_told_from_examples_and_shifted_ones_can():
    rng = np.random.default_rng(3)
    x, same = rng.normal(size=(2, 1500, 2))
    outputs = {"label": np.zeros(1500, int), "loss": np.zeros(1500), "features": x}
    found = DensityEvaluator().final({**outputs, "sample": same}, seed=1)
    assert abs(found["sample_auc"] - 0.5) < 5 * found["sample_auc_err"]
    shifted = DensityEvaluator().final({**outputs, "sample": same + 1}, seed=1)
    # the best a classifier can do for a shift of sqrt 2 is Phi(1)
    assert 0.78 < shifted["sample_auc"] < 0.8413 + 0.02


@pytest.mark.parametrize(
    ("loss", "said"), [(CathodeLoss(), "loss=cathode needs model=cathode"), (FlowNll(), "needs model=feature_flow")]
)
def test_other_models_are_refused(loss, said):
    with pytest.raises(ConfigError, match=f"{said}, not MLP"):
        loss.prepare(MLP(n_features=3, n_classes=2), batch_of(1), SPEC)
