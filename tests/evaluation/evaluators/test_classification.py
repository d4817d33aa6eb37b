import math
import time

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import accuracy_score, roc_auc_score, roc_curve

from hepexp.errors import HepexpError
from hepexp.evaluation.bootstrap import central, error_of, replicas, spread
from hepexp.evaluation.evaluators.classification import auc, classification_metrics


def two_classes(n, seed=0, shift=1.4, decimals=None):
    """Scores whose discriminant is normal, at 0 for background and at `shift` for signal."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    p = norm.cdf(rng.normal(size=n) + shift * label - shift / 2)
    p = p if decimals is None else p.round(decimals)
    return np.stack([1 - p, p], axis=1), label


def test_two_normal_classes_have_the_auc_and_rejection_of_the_closed_form():
    scores, label = two_classes(400_000, shift=1.4)
    metrics = classification_metrics(scores, label, n_bootstrap=20)
    rejection = 1 / norm.sf(norm.isf(0.3) + 1.4)  # the cut that keeps 30 % of the signal, seen from the background
    assert metrics["auc"] == pytest.approx(norm.cdf(1.4 / math.sqrt(2)), abs=4 * metrics["auc_err"])
    assert metrics["rejection_0.3"] == pytest.approx(rejection, abs=4 * metrics["rejection_0.3_err"])
    assert metrics["accuracy"] == pytest.approx(norm.cdf(0.7), abs=4 * metrics["accuracy_err"])


@pytest.mark.parametrize("decimals", [None, 2, 1])  # few decimals: many ties
@pytest.mark.parametrize("n", [37, 1000, 20_000])
def test_point_values_are_those_of_scikit_learn(n, decimals):
    scores, label = two_classes(n, seed=n, decimals=decimals)
    metrics = classification_metrics(scores, label, n_bootstrap=0)
    fpr, tpr, _ = roc_curve(label, scores[:, 1])
    assert metrics["accuracy"] == pytest.approx(accuracy_score(label, scores.argmax(1)), abs=1e-12)
    assert metrics["auc"] == pytest.approx(roc_auc_score(label, scores[:, 1]), abs=1e-12)
    assert auc(scores, label) == metrics["auc"]
    for at in (0.3, 0.5):
        expected = np.interp(at, tpr, fpr)
        assert metrics[f"rejection_{at}"] == (pytest.approx(1 / expected, rel=1e-12) if expected else None)


def test_more_classes_have_the_macro_one_vs_rest_auc_and_no_rejection():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 5, 3000)
    scores = rng.normal(size=(3000, 5))
    scores[np.arange(3000), label] += 1
    scores = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    metrics = classification_metrics(scores, label, n_bootstrap=10)
    expected = roc_auc_score(label, scores, multi_class="ovr", average="macro")
    assert metrics["auc"] == pytest.approx(expected, abs=1e-12)
    assert set(metrics) == {"accuracy", "accuracy_err", "auc", "auc_err"}


def test_random_scores_have_auc_one_half_and_swapped_classes_the_complement():
    scores, label = two_classes(5000, shift=0.0)
    assert auc(scores, label) == pytest.approx(0.5, abs=0.03)
    assert auc(scores, label) + auc(scores[:, ::-1], label) == pytest.approx(1, abs=1e-12)
    assert auc(np.full((10, 2), 0.5), np.arange(10) % 2) == 0.5  # all tied


def test_bootstrap_error_is_the_spread_over_independent_test_sets():
    keys = ("accuracy", "auc", "rejection_0.3", "rejection_0.5")
    sets = [classification_metrics(*two_classes(2000, seed=s), n_bootstrap=0) for s in range(300)]
    errors = [classification_metrics(*two_classes(2000, seed=s), n_bootstrap=100, seed=s) for s in range(20)]
    for key in keys:
        true = np.std([m[key] for m in sets])
        assert np.mean([m[f"{key}_err"] for m in errors]) == pytest.approx(true, rel=0.25), key


def test_bootstrap_error_of_the_accuracy_is_binomial():
    scores, label = two_classes(10_000)
    metrics = classification_metrics(scores, label, n_bootstrap=500)
    a = metrics["accuracy"]
    assert metrics["accuracy_err"] == pytest.approx(math.sqrt(a * (1 - a) / 10_000), rel=0.12)


def test_same_seed_same_errors():
    scores, label = two_classes(500)
    assert classification_metrics(scores, label, seed=3) == classification_metrics(scores, label, seed=3)
    assert classification_metrics(scores, label, seed=3) != classification_metrics(scores, label, seed=4)


def test_every_replica_draws_n_examples():
    drawn = list(replicas(1000, 50, seed=0))
    assert all(w.sum() == 1000 for w in drawn)
    assert np.mean([(w == 0).mean() for w in drawn]) == pytest.approx(math.exp(-1), abs=0.005)


def test_a_rejection_without_background_is_none():
    label = np.array([0] * 50 + [1] * 50)
    p = np.where(label == 1, 0.9, 0.1)
    metrics = classification_metrics(np.stack([1 - p, p], 1), label)
    assert metrics["auc"] == metrics["accuracy"] == 1
    assert metrics["auc_err"] is metrics["accuracy_err"] is None
    assert metrics["auc_note"] == metrics["accuracy_note"] == "no error: the bootstrap replicas agree"
    assert metrics["rejection_0.3"] is None
    assert metrics["rejection_0.3_err"] is None
    assert (1 - 1 / metrics["rejection_0.3_bound"]) ** 50 == pytest.approx(0.05, abs=0.005)  # none passes: 5 %
    assert metrics["rejection_0.3_note"] == "0 of 50 background examples pass: lower bound at 95 % CL"


def test_the_error_of_a_rejection_from_one_jet_is_none():
    """In a replica of three, 1/e, the one background jet is not drawn."""
    label = np.array([0] * 50 + [1] * 50)
    p = np.where(label == 1, 0.9, 0.1)
    p[0] = 0.95
    metrics = classification_metrics(np.stack([1 - p, p], 1), label)
    assert metrics["rejection_0.3"] == 50
    assert metrics["rejection_0.3_err"] is None
    note, _, share = metrics["rejection_0.3_note"].partition("; no error: ")
    assert note == "1 of 50 background examples passes"
    assert float(share.partition("%")[0]) / 100 == pytest.approx(math.exp(-1), abs=0.1)
    assert share.endswith("% of the bootstrap replicas have no value")
    assert "rejection_0.3_bound" not in metrics


@pytest.mark.parametrize("above", [0, 1, 3, 9, 10])
def test_the_background_that_passes_is_counted_where_it_is_little(above):
    """Signal at 1 ... 100, and so many of 200 background examples above the cut that keeps 30 of 100."""
    signal = np.arange(1, 101)
    background = np.concatenate([np.linspace(90.2, 90.8, above), np.zeros(200 - above)])
    p = np.concatenate([signal, background]) / 101
    label = np.concatenate([np.ones(100, int), np.zeros(200, int)])
    metrics = classification_metrics(np.stack([1 - p, p], 1), label, n_bootstrap=0)
    said = {
        0: "0 of 200 background examples pass: lower bound at 95 % CL",
        1: "1 of 200 background examples passes",
        10: None,
    }
    assert metrics.get("rejection_0.3_note") == said.get(above, f"{above} of 200 background examples pass")
    assert metrics.get("rejection_0.3_bound") == (pytest.approx(200 / 3, rel=0.01) if above == 0 else None)
    assert metrics["rejection_0.3"] == (pytest.approx(200 / above) if above else None)


def of_which_pass(k, n):
    """n signal and n background examples; k of these pass the cut at a signal efficiency of 0.3, none is near it."""
    rng = np.random.default_rng(k)
    background = [rng.uniform(0.8, 0.95, k), rng.uniform(0, 0.3, n - k)]
    p = np.concatenate([np.linspace(0, 1, n), *background])
    return np.stack([1 - p, p], 1), np.repeat([1, 0], n)


def test_the_error_of_a_rejection_is_binomial():
    metrics = classification_metrics(*of_which_pass(100, 2000), n_bootstrap=500)
    assert metrics["rejection_0.3"] == pytest.approx(2000 / 100)
    assert metrics["rejection_0.3_err"] / metrics["rejection_0.3"] == pytest.approx(1 / math.sqrt(100), rel=0.12)


@pytest.mark.parametrize("seed", range(5))
def test_the_error_of_a_rejection_from_few_examples_is_no_larger_than_itself(seed):
    """Replicas of 6 of 59 with one or none make a standard deviation that says nothing; binomial: 10 +- 4."""
    metrics = classification_metrics(*of_which_pass(6, 59), seed=seed)
    assert metrics["rejection_0.3"] == pytest.approx(59 / 6)
    assert 3 < metrics["rejection_0.3_err"] < 7


def test_the_central_width_is_that_of_a_normal_distribution_and_takes_infinite_replicas_as_large():
    normal = norm.ppf((np.arange(1000) + 0.5) / 1000)
    assert central(3 * normal) == pytest.approx(3, rel=0.01)
    assert central([*3 * normal[:-100], *[math.inf] * 100]) == pytest.approx(3, rel=0.01)
    assert central([*normal[:-170], *[math.inf] * 170]) is None
    assert central([1.0, math.nan]) is None


def test_replicas_that_agree_are_no_error():
    assert error_of([0.5] * 9, 9) == (None, "no error: the bootstrap replicas agree")
    assert error_of([10 / 3, 10 / 3 + 4e-16], 9) == (None, "no error: the bootstrap replicas agree")
    assert error_of([0.5] * 9, 1) == (None, "no error: one example")
    assert error_of([math.nan] * 9, 9) == (None, "no error: some of the bootstrap replicas have no value")
    assert error_of([1.0, 3.0], 9) == (pytest.approx(math.sqrt(2)), "")


def test_one_example_has_no_error():
    metrics = classification_metrics(np.array([[0.2, 0.8]]), np.array([1]))
    assert (metrics["accuracy"], metrics["accuracy_err"]) == (1, None)
    assert metrics["accuracy_note"] == "no error: one example"


def test_spread_leaves_out_replicas_without_a_class():
    assert spread([1.0, math.nan, 3.0]) == pytest.approx(math.sqrt(2))
    assert spread([1.0, math.nan]) is None
    assert spread([1.0, 2.0, math.inf]) is None


def test_one_class_has_no_auc():
    scores, _ = two_classes(10)
    assert math.isnan(auc(scores, np.ones(10, int)))
    metrics = classification_metrics(scores, np.ones(10, int))
    assert metrics["auc"] is None
    assert metrics["rejection_0.3"] is None
    assert metrics["auc_note"] == metrics["rejection_0.3_note"] == "all examples are of one class"
    assert metrics["accuracy"] is not None


def test_bad_scores_are_one_line():
    scores, label = two_classes(10)
    scores[3] = np.nan
    assert math.isnan(auc(scores, label))
    with pytest.raises(HepexpError, match="1 of 10 examples are NaN"):
        classification_metrics(scores, label)
    with pytest.raises(HepexpError, match="no examples"):
        classification_metrics(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(HepexpError, match=r"got \(10,\)"):
        classification_metrics(label, label)


@pytest.mark.slow
def test_the_full_test_set_takes_less_than_half_a_minute():
    scores, label = two_classes(400_000)
    start = time.perf_counter()
    classification_metrics(scores.astype(np.float32), label)
    assert time.perf_counter() - start < 30
