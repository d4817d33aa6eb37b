"""Weights in figures of merit, against closed forms: an example of weight 2 is the example twice."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score, roc_curve

from hepexp.evaluation.bootstrap import effective_number, replicas
from hepexp.evaluation.classifiers.accuracy import Accuracy
from hepexp.evaluation.classifiers.auc import Auc, ClassAuc, OneVsOneAuc
from hepexp.evaluation.classifiers.calibration import CalibrationError
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.mass_sculpting import MassSculpting
from hepexp.evaluation.classifiers.rejection import ClassRejection, Rejection
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.evaluation.classifiers.significance import SignificanceImprovement
from hepexp.evaluation.evaluators.evaluator import loss_figures, mean_loss
from hepexp.evaluation.roc import background_at

# the floor of significance counts examples, of which there are more if one of weight 2 is there twice
COMMON = (Accuracy(), Auc(), CalibrationError(), MassSculpting(), SignificanceImprovement(floor=1))
FIGURES = {2: (*COMMON, Rejection()), 4: (*COMMON, ClassAuc(), OneVsOneAuc(), ClassRejection())}
N = 600


def arrays(n_classes: int, n: int = N, seed: int = 1):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % n_classes
    logits = rng.normal(size=(n, n_classes)).round(1)  # with ties
    logits[np.arange(n), label] += 1
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return scores, label, rng.exponential(100, n)


def judge(scores, label, mass, weight=None) -> Judge:
    n_classes = scores.shape[1]
    setting = Setting(tuple("abcd"[:n_classes]), 0, {"b": (0.3, 0.5, 0.8)})
    return Judge(FIGURES[n_classes], ScoredExamples(scores, label, weight, setting, {"mass": mass}))


@pytest.mark.parametrize("n_classes", FIGURES)
class TestOfEveryFigure:
    def test_an_example_of_weight_two_is_the_example_twice(self, n_classes):
        columns = arrays(n_classes)
        times = np.random.default_rng(2).integers(1, 4, N)
        weighted = judge(*columns, weight=times.astype(float))()
        repeated = judge(*(np.repeat(values, times, axis=0) for values in columns))()
        for name in weighted:
            assert weighted[name] == pytest.approx(repeated[name], rel=1e-12), name

    def test_weights_of_one_are_no_weights_to_the_last_digit(self, n_classes):
        columns = arrays(n_classes)
        plain = judge(*columns).with_errors(20, seed=3)
        weighted = judge(*columns, weight=np.ones(N)).with_errors(20, seed=3)
        assert plain.keys() == weighted.keys()
        assert all(weighted[name] == value for name, value in plain.items() if not name.endswith("_note"))

    def test_a_common_factor_changes_nothing(self, n_classes):
        columns, weight = arrays(n_classes), np.random.default_rng(4).gamma(2, size=N)
        one, other = (judge(*columns, weight=weight * factor).with_errors(10, seed=5) for factor in (1, 1e-7))
        for name, value in one.items():
            if not name.endswith("_note"):
                assert other[name] == pytest.approx(value, rel=1e-9), name

    def test_a_replica_multiplies_the_weights_by_the_draws(self, n_classes):
        columns, weight = arrays(n_classes), np.random.default_rng(6).gamma(2, size=N)
        of = judge(*columns, weight=weight)
        draws = [of(drawn * weight) for drawn in replicas(N, 30, seed=7)]
        found = of.with_errors(30, seed=7)
        for name in ("accuracy", "auc", "calibration_error", "background_mass"):
            assert found[f"{name}_err"] == pytest.approx(np.std([draw[name] for draw in draws], ddof=1), rel=1e-12)

    def test_an_example_and_its_negative_cancel(self, n_classes):
        scores, label, mass = arrays(n_classes)
        place = np.append(np.arange(N), [5, 5, 8, 8])
        weight = np.append(np.ones(N), [3, -3, 0.5, -0.5])
        plain = judge(scores, label, mass)()
        cancelled = judge(scores[place], label[place], mass[place], weight)()
        for name in plain.keys() - {"mass_jsd_0.3"}:
            if not name.startswith(("mass_jsd", "max_sic")):  # their bins and cuts follow from all examples
                assert cancelled[name] == pytest.approx(plain[name], rel=1e-9), name


@pytest.mark.parametrize("sign", [1, -1])
def test_weighted_values_are_those_of_scikit_learn(sign):
    scores, label, mass = arrays(2)
    weight = np.random.default_rng(8).gamma(2, size=N)
    weight[::7] *= sign
    found = judge(scores, label, mass, weight)()
    expected = accuracy_score(label, scores.argmax(1), sample_weight=weight)
    assert found["accuracy"] == pytest.approx(expected, abs=1e-12)
    above = scores[label == 1, 1][:, None] - scores[None, label == 0, 1]
    pairs = weight[label == 1][:, None] * weight[None, label == 0]
    assert found["auc"] == pytest.approx(((above > 0) + 0.5 * (above == 0)).ravel() @ pairs.ravel() / pairs.sum())
    if sign > 0:  # scikit-learn refuses a curve that falls
        assert found["auc"] == pytest.approx(roc_auc_score(label, scores[:, 1], sample_weight=weight), abs=1e-12)
        fpr, tpr, _ = roc_curve(label, scores[:, 1], sample_weight=weight, drop_intermediate=False)
        assert found["rejection_0.8"] == pytest.approx(1 / np.interp(0.8, tpr, fpr), rel=1e-9)


def test_with_negative_weights_an_efficiency_counts_where_it_is_first_reached():
    signal, background = np.array([0, 4, 3, 6, 10]), np.array([0, 1, 2, 4, 10])
    assert background_at(signal, background, 0.2) == pytest.approx(0.05)
    assert background_at(signal, background, 0.5) == pytest.approx(0.3)  # halfway from (0.4, 0.2) to (0.6, 0.4)


def test_the_note_on_few_examples_counts_them_and_says_how_many_they_are_effectively():
    p = np.r_[np.linspace(0.5, 0.9, 100), np.full(3, 0.95), np.zeros(97)]
    label, weight = np.repeat([1, 0], 100), np.ones(200)
    weight[100:102] = 3
    examples = ScoredExamples(np.stack([1 - p, p], 1), label, weight)
    found = Judge([Rejection()], examples).with_errors(0, seed=0)
    assert found["rejection_0.3"] == pytest.approx(104 / 7)
    effective, total = effective_number(np.array([3, 3, 1])), effective_number(weight[100:])
    said = f"3 of 100 background examples pass (weighted: effectively {effective:.3g} of {total:.3g})"
    assert found["rejection_0.3_note"] == said
    assert effective == pytest.approx(49 / 19)
    none = Judge([Rejection()], ScoredExamples(np.stack([1 - p, p], 1)[3:], label[3:], np.where(p > 0.92, 0, 1)[3:]))
    assert none.with_errors(0, seed=0)["rejection_0.3"] is None


def test_a_class_whose_weights_add_up_to_nothing_is_named_and_all_of_one_class_are_not():
    scores, label, _ = arrays(2)
    figures = (Accuracy(), Auc(), Rejection())

    def said(weight: np.ndarray) -> dict:
        setting = Setting(("QCD", "top"), 0)
        return Judge(figures, ScoredExamples(scores, label, weight, setting)).with_errors(5, seed=0)

    found = said(np.where(label == 1, -2.0, 5.0))
    for name in ("auc", "rejection_0.3"):
        assert found[name] is None
        assert found[f"{name}_note"] == "the weights of class top add up to -600, not to a positive number"
    found = said(np.where(label == 0, 0.0, 1.0))
    assert found["auc_note"] == "the weights of class QCD add up to 0, not to a positive number"
    found = said(np.zeros(N))
    assert found["accuracy_note"] == "the weights of the examples add up to 0, not to a positive number"
    scores, label, _ = arrays(4)
    weight = np.where(label == 2, -1.0, 2.0)
    setting = Setting(tuple("abcd"), 0)
    four = Judge((Auc(), ClassAuc()), ScoredExamples(scores, label, weight, setting)).with_errors(0, seed=0)
    why = "the weights of class c add up to -150, not to a positive number"
    assert (four["auc_note"], four["auc_c"], four["auc_c_note"]) == (f"without class c, as {why}", None, why)
    assert "auc_a_note" not in four


def test_a_figure_beyond_its_range_says_that_weights_are_negative():
    scores = np.stack([1 - (p := np.array([0.9, 0.1, 0.5, 0.6])), p], 1)
    label, weight = np.array([1, 0, 1, 0]), np.array([3.0, 3.0, -1.0, 1.0])
    examples = ScoredExamples(scores, label, weight)
    found = Judge((Accuracy(), Auc()), examples).with_errors(0, seed=0)
    assert found["auc"] == pytest.approx((9 + 3 - 3) / (2 * 4))  # the pairs in order, by the products of their weights
    assert found["auc_note"] == "outside 0 to 1, as the weights of 1 of 4 examples are negative"
    below = Judge((Auc(),), ScoredExamples(1 - scores, label, weight)).with_errors(0, seed=0)
    assert below["auc"] == pytest.approx(1 - 9 / 8)
    assert below["auc_note"] == found["auc_note"]
    assert "auc_note" not in Judge((Auc(),), ScoredExamples(scores, label, abs(weight))).with_errors(0, seed=0)


def test_a_weighted_loss_is_that_of_training():
    loss, weight = np.array([1.0, 2.0, 4.0], np.float32), np.array([1.0, 2.0, -1.0], np.float32)
    outputs = {"loss": loss, "weight": weight}
    assert mean_loss(outputs) == loss_figures(outputs, seed=0)["loss"] == pytest.approx((1 + 4 - 4) / 4)
    twice = {"loss": np.repeat(loss, 2), "weight": np.repeat(weight, 2)}
    assert mean_loss(twice) == pytest.approx(mean_loss(outputs))
    ones = {"loss": loss, "weight": np.ones(3, np.float32)}
    assert loss_figures(ones, seed=1) == loss_figures({"loss": loss}, seed=1)
