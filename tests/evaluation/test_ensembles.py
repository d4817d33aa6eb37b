"""Averages of networks: what they agree and disagree about adds up."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.uncertainty import entropy, uncertainty_figures
from hepexp.evaluation.ensembles import combined
from hepexp.losses.regression import Huber, MeanSquaredError, Quantile
from hepexp.losses.regression_with_sigma import GaussianNll


def classified(seed, n=50):
    p = np.random.default_rng(seed).dirichlet(np.ones(3), n)
    label = np.arange(n) % 3
    return {"index": np.arange(n), "label": label, "scores": p, "loss": -np.log(p[np.arange(n), label])}


def test_the_entropy_of_the_mean_is_aleatoric_plus_epistemic():
    members = [classified(seed) for seed in range(4)]
    found = combined(members)
    each = np.stack([one["scores"] for one in members])
    assert_allclose(found["scores"], each.mean(0), atol=1e-14)
    assert_allclose(found["aleatoric"] + found["epistemic"], entropy(each.mean(0)), atol=1e-12)
    mutual = (each * np.log(each / each.mean(0))).sum(-1).mean(0)  # mean Kullback-Leibler divergence from the mean
    assert_allclose(found["epistemic"], mutual, atol=1e-12)
    assert_allclose(found["spread"], each.std(0, ddof=1), atol=1e-12)
    assert (found["loss"] <= np.mean([one["loss"] for one in members], axis=0) + 1e-6).all()  # Jensen


def test_equal_networks_agree_exactly():
    found = combined([classified(1)] * 5)
    assert not found["epistemic"].any()
    assert not found["spread"].any()
    assert np.array_equal(found["scores"], classified(1)["scores"])


def test_networks_that_are_sure_of_different_classes_disagree_by_the_logarithm_of_their_number():
    sure = [{**classified(0, 1), "scores": np.eye(3)[[c]]} for c in range(3)]
    found = combined(sure)
    assert_allclose([found["aleatoric"][0], found["epistemic"][0]], [0, np.log(3)], atol=1e-12)


def test_the_variance_of_a_mixture_of_normal_distributions_is_the_sum_of_its_parts():
    rng, n = np.random.default_rng(2), 6
    shared = {"index": np.arange(n), "label": np.zeros(n, int), "target": rng.normal(size=(n, 1))}
    members = [{**shared, "predicted": rng.normal(size=(n, 1)), "sigma": rng.uniform(1, 2, (n, 1))} for _ in range(3)]
    found = combined(members)
    means, sigmas = (np.stack([one[name] for one in members]) for name in ("predicted", "sigma"))
    assert_allclose(found["sigma"] ** 2, (sigmas**2).mean(0) + means.var(0, ddof=1), rtol=1e-12)
    assert_allclose(found["aleatoric"] ** 2 + found["epistemic"] ** 2, found["sigma"] ** 2, rtol=1e-12)


def loss_of(kind, target, seed):
    """A loss of regression with two targets, and outputs for each target and example."""
    loss = kind()
    loss.register_buffer("mean", torch.tensor([80.0, -3.0], dtype=torch.float64))
    loss.register_buffer("std", torch.tensor([20.0, 0.5], dtype=torch.float64))
    found = torch.randn(len(target), 2, loss.per_target, generator=torch.Generator().manual_seed(seed)).double()
    each = loss.each(found.sort(-1).values if kind is Quantile else found, (target - loss.mean) / loss.std).mean(1)
    shared = {"index": np.arange(len(target)), "label": np.zeros(len(target), int), "target": target.numpy()}
    named = {name: values.numpy() for name, values in loss.predictions(found).items()}
    return loss, {**shared, **named, "loss": each.numpy()}


@pytest.mark.parametrize("kind", [MeanSquaredError, Huber, GaussianNll, Quantile])
def test_the_loss_of_an_ensemble_of_regressions_is_that_of_its_prediction(kind):
    target = torch.tensor([[70.0, -3.2], [95.0, -2.9], [81.0, -3.1]], dtype=torch.float64)
    loss, first = loss_of(kind, target, seed=1)
    _, second = loss_of(kind, target, seed=2)
    assert_allclose(loss.of_predictions(first), first["loss"], rtol=1e-9)
    found = combined([first, second], loss.of_predictions)
    assert_allclose(found["loss"], loss.of_predictions({**found, "target": target.numpy()}), rtol=1e-6)
    if kind in (MeanSquaredError, Huber, Quantile):  # convex in the prediction
        assert (found["loss"] <= (first["loss"] + second["loss"]) / 2 + 1e-6).all()
    if kind is MeanSquaredError:  # mean loss - loss of the mean is the variance between the networks
        apart = ((first["predicted"] - second["predicted"]) / 2 / loss.std.numpy()) ** 2
        assert_allclose((first["loss"] + second["loss"]) / 2 - found["loss"], apart.mean(1), rtol=1e-5)
    assert "loss" not in combined([first, second])


def test_runs_with_other_examples_or_without_probabilities_are_refused():
    with pytest.raises(ConfigError, match="do not have the same examples: their index differs"):
        combined([classified(1), classified(2, 40)])
    embedded = {"index": np.arange(2), "label": np.arange(2), "embedding": np.eye(2)}
    with pytest.raises(ConfigError, match="an ensemble is of classifiers or of regressions"):
        combined([embedded, embedded])
    of_elements = {"index": np.arange(2), "label": np.arange(2), "predicted": np.array([[1, 3], [2, 2]])}
    with pytest.raises(ConfigError, match="an ensemble is of classifiers or of regressions"):
        combined([of_elements, of_elements])


def test_the_figures_say_whether_doubt_and_errors_go_together():
    label, scores = np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9], [0.2, 0.8]])
    doubt = {"aleatoric": np.array([0.1, 0.6, 0.1, 0.2]), "epistemic": np.array([0.0, 0.1, 0.0, 0.1])}
    found = uncertainty_figures({"label": label, "scores": scores, **doubt}, seed=1)
    assert found["errors_auc"] == 1
    assert found["epistemic"] == pytest.approx(0.05)
    assert uncertainty_figures({"label": label, "scores": scores}, seed=1) == {}
