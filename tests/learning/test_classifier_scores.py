"""Classifiers between two samples: blind to equal distributions, and near the best there is for others."""

import math

import numpy as np
import torch

from hepexp.evaluation.evaluators.classification import auc
from hepexp.evaluation.generation.classifier_keys import ClassifierKeys
from hepexp.learning.classifier_scores import told_apart

SMALL = ClassifierKeys(widths=(32,), epochs=20, splits=5, lr=5e-3, batch_size=100)


def area(true, other, keys=SMALL) -> float:
    label, score = told_apart(true, other, keys, seed=1).T
    return auc(np.stack([1 - score, score], 1), label.astype(int))


def normal(n: int, shift: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, 3)) + np.array([shift, 0, 0])).astype(np.float32)


def test_equal_distributions_cannot_be_told_apart():
    assert abs(area(normal(800, 0, 1), normal(800, 0, 2)) - 0.5) < 4 * 0.5 / math.sqrt(3 * 800)


def test_a_shifted_normal_distribution_is_told_apart_as_well_as_can_be():
    """The best AUC for means that are d standard deviations apart is Phi(d / sqrt 2)."""
    best = 0.5 * (1 + math.erf(1 / 2))
    assert abs(area(normal(800, 0, 1), normal(800, 1, 2)) - best) < 0.04


def test_each_example_is_tested_once_and_the_larger_sample_is_cut():
    found = told_apart(normal(50, 0, 1), normal(70, 0, 2), SMALL, seed=1)
    assert found.shape == (100, 2)
    assert found[:, 0].sum() == 50
    assert len(told_apart(normal(50, 0, 1), normal(50, 0, 2), ClassifierKeys(widths=(4,), epochs=1), seed=1)) == 20
    assert len(told_apart(normal(4, 0, 1), normal(50, 0, 2), SMALL, seed=1)) == 0


def test_the_seed_determines_the_scores():
    samples = normal(50, 0, 1), normal(50, 1, 2)
    torch.manual_seed(5)
    first = told_apart(*samples, SMALL, seed=1)
    torch.manual_seed(6)
    assert np.array_equal(first, told_apart(*samples, SMALL, seed=1))
    assert not np.array_equal(first, told_apart(*samples, SMALL, seed=2))
