"""A figure without value or without error says why."""

import numpy as np
import pytest

from hepexp.evaluation.evaluators.evaluator import named
from hepexp.evaluation.notes import meanings, notes
from hepexp.evaluation.tables import value_of

PAIR = "hepexp.losses.pair.PairLoss"
METRICS = {
    "test/auc": 0.9,
    "test/auc_err": 0.01,
    "test/rejection_0.3": None,
    "test/rejection_0.3_err": None,
    "test/rejection_0.3_bound": 95,
    "test/rejection_0.3_note": "0 of 95 background examples pass",
    "test/rejection_0.5": 31.7,
    "test/rejection_0.5_err": None,
    "test/rejection_0.5_note": "3 of 95 background examples pass",
    "test/accuracy": 1.0,
    "test/accuracy_err": None,
    "test/accuracy_note": "no error: the bootstrap replicas agree",
    "test/effective_rank": 2.5,
    "test/embedding_std": 0.1,
    "test/pair_accuracy": None,
    "val/auc": 0.8,
    "model/parameters": 12,
    "train/seconds": 3.0,
}


def test_each_reason_stands_once_with_its_figures():
    assert notes(METRICS, PAIR) == [
        "test/rejection_0.3: 0 of 95 background examples pass",
        "test/rejection_0.5: 3 of 95 background examples pass; no error, as some bootstrap replicas of the examples "
        "have no value",
        "test/accuracy: no error: the bootstrap replicas agree",
        "test/effective_rank, test/embedding_std: no error: defined for all embeddings together",
        "test/pair_accuracy: not defined for these examples",
        "val/auc: no error: from validation in the best epoch",
    ]


def test_where_none_passes_the_lower_bound_stands():
    assert value_of("test/rejection_0.3", METRICS) == "> 95"
    assert value_of("test/auc", METRICS) == "0.900 ± 0.010"
    assert value_of("test/pair_accuracy", METRICS) == "–"


def test_a_value_that_is_not_finite_is_none_and_has_its_metrics_reason():
    found = named("test", {"mismatch": float("nan"), "accuracy": np.inf, "symmetry/metric_exists": 1, "a_note": "b"})
    assert found == {"test/mismatch": None, "test/accuracy": None, "symmetry/metric_exists": 1, "test/a_note": "b"}
    assert notes({"test/mismatch": None}) == ["test/mismatch: the generators move nothing"]


def test_figures_of_one_meaning_stand_together():
    said = dict(meanings({"test/pair_accuracy": 0.9, "val/pair_accuracy": 0.8, "test/pair_accuracy_err": 0.1}, PAIR))
    assert list(said) == ["test/pair_accuracy, val/pair_accuracy"]


@pytest.mark.parametrize("key", ["test/auc_err", "test/rejection_0.3_bound", "test/rejection_0.3_note"])
def test_what_stands_beside_a_figure_is_none_itself(key):
    assert not any(key in names for names, _ in meanings({key: 1.0}))
