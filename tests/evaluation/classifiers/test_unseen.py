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
