"""Means of observables, whose errors know that elements of one example are not independent."""

import numpy as np
import pytest

from hepexp.evaluation.evaluators.generation import FLOOR, MADE, OF, TRUTH, GenerationEvaluator
from hepexp.observable import Observable

N, EACH = 400, 5
STABLE = Observable("stable", ("stable",), of="element", distance=False, mean=True, drawn=False)


def figures(values: np.ndarray) -> dict:
    """Of elements (N, EACH)."""
    columns = {name: values.reshape(-1, 1) for name in ("stable",)} | {OF: np.repeat(np.arange(N), EACH)}
    outputs = {f"{sample}{name}": column for sample in (TRUTH, FLOOR, MADE) for name, column in columns.items()}
    return GenerationEvaluator((STABLE,)).final(outputs | {"loss": np.zeros(N)}, seed=1)


def test_equal_elements_of_an_example_count_as_one():
    of_examples = np.random.default_rng(1).random(N) < 0.7
    found = figures(np.repeat(of_examples[:, None], EACH, axis=1).astype(np.float64))
    assert found["mean_stable"] == pytest.approx(of_examples.mean())
    assert found["mean_stable_err"] == pytest.approx(of_examples.std(ddof=1) / N**0.5)


def test_independent_elements_count_each():
    values = (np.random.default_rng(2).random((N, EACH)) < 0.7).astype(np.float64)
    assert figures(values)["mean_stable_err"] == pytest.approx(values.std() / (N * EACH) ** 0.5, rel=0.15)
