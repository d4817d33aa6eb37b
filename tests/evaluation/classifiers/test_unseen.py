"""Doubt for classes that a network has never seen."""

import numpy as np
import pytest

from hepexp.evaluation.classifiers.unseen import doubts, unseen_figures


def test_a_network_that_knows_nothing_of_an_unseen_class_tells_it_apart_and_one_that_is_as_sure_does_not():
    p = np.random.default_rng(1).uniform(0.8, 1, 400)
    sure = {"scores": np.stack([p, 1 - p], 1)}
    puzzled = {"scores": np.full((100, 2), 0.5)}
    found = unseen_figures(sure, puzzled, seed=1)
    assert found["unseen_auc_entropy"] == found["unseen_auc_one_minus_max"] == 1
    same = unseen_figures(sure, {"scores": sure["scores"][::-1].copy()}, seed=1)
    assert same["unseen_auc_entropy"] == pytest.approx(0.5, abs=1e-12)
    assert 0 < same["unseen_auc_entropy_err"] < 0.05


def test_the_entropy_of_equal_probabilities_is_the_logarithm_of_their_number():
    found = doubts({"scores": np.full((3, 4), 0.25), "epistemic": np.ones(3)})
    assert found["entropy"] == pytest.approx(np.log(4))
    assert found["one_minus_max"] == pytest.approx(0.75)
    assert found["epistemic"] == pytest.approx(1)


def test_an_example_of_weight_two_counts_as_the_same_example_twice():
    p, q = np.random.default_rng(1).uniform(0.5, 1, 40), np.random.default_rng(2).uniform(0.5, 0.8, 20)
    known, unseen = ({"scores": np.stack([x, 1 - x], 1)} for x in (p, q))
    known["weight"], unseen["weight"] = np.where(p > 0.7, 2.0, 1.0), np.where(q > 0.6, 1.0, 3.0)
    repeated = [{"scores": np.repeat(one["scores"], one["weight"].astype(int), axis=0)} for one in (known, unseen)]
    found, expected = unseen_figures(known, unseen, seed=1), unseen_figures(*repeated, seed=1)
    assert found["unseen_auc_entropy"] == pytest.approx(expected["unseen_auc_entropy"], abs=1e-12)
    assert found["unseen_auc_entropy_err"] > expected["unseen_auc_entropy_err"]  # fewer examples
