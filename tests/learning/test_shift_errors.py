"""Changes of figures under a shift: each has an error, or the reason why there is none."""

import numpy as np

from hepexp.data.transforms.shift import Shift
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.learning.shifts import Shifted


def classified(n, moved, seed=1):
    """A good classifier of n examples, of whose background some has the scores of signal."""
    label = np.arange(n) % 2
    z = np.random.default_rng(seed).normal(1.8 * label - 0.9) + moved * (label == 0)
    p = 1 / (1 + np.exp(-z))
    scores = np.stack([1 - p, p], 1)
    return {"index": np.arange(n), "label": label, "scores": scores, "loss": -np.log(scores[np.arange(n), label])}


def changes(n, moved):
    shifted = Shifted.__new__(Shifted)  # the outputs with a shift, without a run
    shifted.shifts, shifted.outputs = [Shift("p4", "scale", 1.1)], [classified(n, moved)]
    found = shifted.changes(ClassificationEvaluator(), classified(n, 0.0), seed=1)
    return shifted, found


def test_a_rejection_of_which_few_background_examples_are_left_has_the_error_of_its_central_replicas():
    """Some replicas have no background above the threshold: their standard deviation would be infinite."""
    _, found = changes(800, moved=0.5)
    change = found["p4.scale=1.1"]["rejection_0.3"]
    assert change.value < 0
    assert change.error > 0
    assert change.reason == ""


def test_a_change_without_an_error_says_why():
    shifted, found = changes(400, moved=0.5)
    change = found["p4.scale=1.1"]["rejection_0.3"]
    assert change.error is None
    assert change.reason == "no error: 36% of the bootstrap replicas have no value"
    assert any(change.reason in note and "rejection_0.3" in note for note in shifted.table(found, "test").notes)
    auc = found["p4.scale=1.1"]["auc"]
    assert auc.error > 0
    assert auc.reason == ""
    assert auc.value < 0


def test_a_shift_that_changes_nothing_needs_no_reason():
    _, found = changes(200, moved=0.0)
    assert {(one.value, one.error, one.reason) for one in found["p4.scale=1.1"].values() if one.value is not None} == {
        (0.0, None, "")
    }
