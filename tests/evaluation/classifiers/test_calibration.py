"""Calibration: identities, closed forms and exact distributions."""

import numpy as np
import pytest
from scipy.stats import beta, betabinom, kstest

from hepexp.data.datasets.lhco.search import Search
from hepexp.errors import ConfigError, HepexpError
from hepexp.evaluation.classifiers.brier import BrierDecomposition
from hepexp.evaluation.classifiers.calibration import CalibrationError
from hepexp.evaluation.classifiers.conformal import KINDS, Threshold
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.classifiers.temperature import Temperature, negative_log_likelihood
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.evaluators.element_pairs import ElementPairEvaluator
from hepexp.evaluation.evaluators.elements import ElementEvaluator
from hepexp.learning.calibration import Calibration


def softmax(logits):
    p = np.exp(logits - logits.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def drawn(n, n_classes=3, temperature=1.0, seed=1):
    """Probabilities, and labels drawn from those at another temperature."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, n_classes))
    p = softmax(logits / temperature)
    label = (rng.random(n)[:, None] > np.cumsum(p, 1)[:, :-1]).sum(1)
    return softmax(logits), label


@pytest.mark.parametrize("weighted", [False, True])
def test_the_brier_score_is_reliability_minus_resolution_plus_uncertainty(weighted):
    scores, label = drawn(2000)
    weight = np.random.default_rng(2).uniform(0.5, 2, 2000) if weighted else None
    found = Judge([BrierDecomposition(bins=7)], ScoredExamples(scores, label, weight))()
    parts = found["brier_reliability"] - found["brier_resolution"] + found["brier_uncertainty"]
    assert found["brier_score"] == pytest.approx(parts, abs=1e-12)
    each = ((scores - np.eye(3)[label]) ** 2).sum(1)
    assert found["brier_score"] == pytest.approx(np.average(each, weights=weight), abs=1e-12)


def test_of_probabilities_that_are_equal_in_each_bin_the_parts_are_murphys():
    rng = np.random.default_rng(3)
    p = rng.choice([0.1, 0.35, 0.85], 1000)
    o = (rng.random(1000) < 0.9 * p).astype(int)
    found = Judge([BrierDecomposition(bins=10)], ScoredExamples(np.stack([1 - p, p], 1), o))()
    share, rate = zip(*[((p == v).mean(), o[p == v].mean()) for v in (0.1, 0.35, 0.85)], strict=True)
    share, rate = np.array(share), np.array(rate)
    assert found["brier_reliability"] == pytest.approx(2 * share @ (rate - [0.1, 0.35, 0.85]) ** 2, abs=1e-12)
    assert found["brier_resolution"] == pytest.approx(2 * share @ (rate - o.mean()) ** 2, abs=1e-12)


def test_the_calibration_error_of_calibrated_predictions_is_that_of_the_binomial():
    """All probabilities in one bin: E |k/n - p| = sqrt(2 p (1 - p) / pi n) for large n."""
    n, p = 2000, 0.7
    examples = ScoredExamples(np.tile([1 - p, p], (n, 1)), (np.arange(n) < 0.7 * n).astype(int))
    found = Judge([CalibrationError()], examples).with_errors(400, seed=1)
    expected = np.sqrt(2 * p * (1 - p) / (np.pi * n))
    assert found["calibration_error_null"] == pytest.approx(expected, rel=0.1)
    assert float(found["calibration_error_null_note"].split()[2]) > 0.9  # exactly 0.7 are right
    wrong = ScoredExamples(np.tile([1 - p, p], (n, 1)), (np.arange(n) < 0.8 * n).astype(int))
    assert Judge([CalibrationError()], wrong).with_errors(99, 1)["calibration_error_null_note"].startswith("p <= 0.01 ")


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_found_within_its_error(true):
    scores, label = drawn(20_000, temperature=true)
    found = Temperature.fit(scores, label)
    assert abs(found.value - true) < 3 * found.error < 0.15 * true
    assert np.array_equal(found(scores).argsort(1), scores.argsort(1))
    assert negative_log_likelihood(found(scores), label).mean() <= negative_log_likelihood(scores, label).mean()
    assert found.value == pytest.approx(Temperature.fit(scores, label, np.full(len(label), 3.0)).value)
    np.testing.assert_allclose(Temperature(1.0)(scores), scores, atol=1e-14)


def test_no_temperature_is_found_where_none_is_the_best():
    with pytest.raises(HepexpError, match=r"no temperature between 0\.01 and 100 is the best for 3 validation"):
        Temperature.fit(np.tile([0.1, 0.9], (3, 1)), np.ones(3, int))


def test_the_coverage_of_conformal_sets_is_distributed_as_beta():
    """Of examples with a uniform score, the coverage is the threshold itself, an order statistic."""
    n, level = 49, 0.8
    coverage = []
    for seed in range(500):
        p = np.random.default_rng(seed).random(n)
        threshold = Threshold.fit(np.stack([p, 1 - p], 1), np.zeros(n, int), level)
        coverage.append(1 + threshold.value)
    assert (threshold.k, threshold.n) == (40, 49)
    assert kstest(coverage, beta(40, 10).cdf).pvalue > 0.05
    assert threshold.p_value(80, 100) == pytest.approx(1, abs=0.2)
    cdf = betabinom(100, 40, 10).cdf
    assert threshold.p_value(60, 100) == pytest.approx(2 * cdf(60))


@pytest.mark.parametrize("kind", KINDS)
def test_sets_cover_as_asked_for_whatever_the_scores(kind):
    scores, label = drawn(8000, temperature=3.0)  # far from calibrated
    scores = np.round(scores, 1)  # with many ties
    threshold = Threshold.fit(scores[:4000], label[:4000], 0.9, kind)
    sets = threshold.sets(scores[4000:])
    covered = int(np.take_along_axis(sets, label[4000:, None], 1).sum())
    assert threshold.p_value(covered, 4000) > 0.01
    low, high = threshold.band(4000)
    assert low < 0.9 < high
    figures = threshold.figures(sets, label[4000:], seed=1)
    assert figures["conformal_coverage_0.9"] == pytest.approx(covered / 4000)
    assert figures["conformal_set_size_0.9"] == pytest.approx(sets.sum(1).mean())


def test_too_few_calibration_examples_give_sets_of_all_classes():
    scores, label = drawn(20)
    threshold = Threshold.fit(scores[:5], label[:5], 0.9)
    assert threshold.sets(scores).all()
    assert "too few" in threshold.figures(threshold.sets(scores), label, 1)["conformal_coverage_0.9_note"]


def test_a_coverage_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="--conformal 90: a coverage is between 0 and 1"):
        Calibration(levels=[90.0])


@pytest.mark.parametrize(("labels", "refused"), [("cwola", True), ("ideal", True), ("truth", False)])
def test_labels_that_are_not_the_truth_calibrate_nothing(labels, refused):
    samples = Search(labels, [3300.0, 3700.0], [3100.0, 3900.0]).samples
    calibration = Calibration(temperature=True)
    if not refused:
        return calibration.check(ClassificationEvaluator(), "test", samples)
    with pytest.raises(ConfigError, match="--calibrate is fitted to the labels of the validation examples, and these"):
        calibration.check(ClassificationEvaluator(), "test", samples)


@pytest.mark.parametrize(
    ("evaluator", "what"), [(ElementEvaluator(("a", "b")), "elements"), (ElementPairEvaluator(), "pairs of elements")]
)
def test_classifiers_of_parts_of_examples_are_told_so(evaluator, what):
    said = f"--calibrate is for classifiers of examples; this run classifies {what}, whose scores are not calibrated"
    with pytest.raises(ConfigError, match=said):
        Calibration(temperature=True).check(evaluator, "test")


def test_calibration_changes_scores_and_loss_and_adds_sets():
    scores, label = drawn(4000, temperature=2.0)
    half = {"scores": scores[:2000], "label": label[:2000], "loss": np.zeros(2000)}
    half |= {"epistemic": np.full(2000, 0.1), "aleatoric": np.full(2000, 0.2)}
    other = {"scores": scores[2000:], "label": label[2000:]}
    calibration = Calibration(True, [0.8, 0.95])
    found = calibration.apply(half, other, seed=1)
    assert found["epistemic"] is half["epistemic"]  # as the networks have them
    assert half["loss"].sum() == 0
    assert found["loss"] == pytest.approx(negative_log_likelihood(found["scores"], label[:2000]), rel=1e-5)
    assert calibration.figures["calibration/temperature"] == pytest.approx(2, abs=0.3)
    assert found["in_set_0.8"].sum() < found["in_set_0.95"].sum()
