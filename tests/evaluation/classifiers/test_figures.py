"""Figures of merit against other programs and closed forms."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from torchmetrics.functional.classification import multiclass_calibration_error

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.auc import ClassAuc, OneVsOneAuc
from hepexp.evaluation.classifiers.calibration import CalibrationError
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.mass_sculpting import MassSculpting, jensen_shannon
from hepexp.evaluation.classifiers.rejection import ClassRejection
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.evaluation.classifiers.significance import SignificanceImprovement
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.options import EvaluationOptions

NAMES = ("QCD", "Hbb", "Tbqq", "Tblv")
PUBLISHED = {"Hbb": (0.5,), "Tblv": (0.995,)}


@pytest.fixture(scope="module")
def four() -> ScoredExamples:
    rng = np.random.default_rng(1)
    label = rng.choice(4, 2000, p=(0.5, 0.25, 0.15, 0.1))
    logits = rng.normal(size=(2000, 4))
    logits[np.arange(2000), label] += 1
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return ScoredExamples(scores, label, setting=Setting(NAMES, 0, {"Tblv": (0.9,)}))


def test_one_vs_one_and_per_class_areas_are_those_of_scikit_learn(four):
    ovo = roc_auc_score(four.label, four.scores, multi_class="ovo", average="macro")
    assert Judge([OneVsOneAuc()], four)()["auc_ovo"] == pytest.approx(ovo, abs=1e-12)
    each = roc_auc_score(four.label, four.scores, multi_class="ovr", average=None)
    assert list(Judge([ClassAuc()], four)().values()) == pytest.approx(list(each), abs=1e-12)


def test_a_rejection_of_a_class_is_against_the_background_alone(four):
    found = Judge([ClassRejection()], four)()
    assert list(found) == [f"rejection_{name}" for name in ("Hbb_0.3", "Hbb_0.5", "Tbqq_0.3", "Tbqq_0.5", "Tblv_0.9")]
    two = np.isin(four.label, (0, 3))
    score = (four.scores[:, 3] / (four.scores[:, 3] + four.scores[:, 0]))[two]
    cut = np.sort(score[four.label[two] == 3])[round(0.1 * (four.label == 3).sum())]
    assert found["rejection_Tblv_0.9"] == pytest.approx(1 / (score[four.label[two] == 0] >= cut).mean(), rel=0.05)


def test_the_calibration_error_is_that_of_torchmetrics(four):
    expected = multiclass_calibration_error(torch.tensor(four.scores), torch.tensor(four.label), 4, n_bins=15)
    assert Judge([CalibrationError()], four)()["calibration_error"] == pytest.approx(float(expected), abs=1e-6)


def test_the_significance_of_two_normal_classes_is_that_of_the_closed_form():
    """Of all cuts just above a background example that leave at least as many as the floor, the best."""
    n, shift = 200_000, 2.0
    background, signal = norm.ppf((np.arange(n) + 0.5) / n), norm.ppf((np.arange(n) + 0.5) / n) + shift
    p = norm.cdf(np.r_[background, signal] - shift / 2)
    examples = ScoredExamples(np.stack([1 - p, p], 1), np.repeat([0, 1], n))
    for floor in (25, 1000):
        above = np.arange(floor, n)
        expected = np.max(norm.sf(norm.isf((above + 0.5) / n) - shift) / np.sqrt(above / n))
        found = Judge([SignificanceImprovement(floor)], examples)()["max_sic"]
        assert found == pytest.approx(expected, rel=1e-4)
    few = ScoredExamples(np.stack([1 - p, p], 1)[n - 20 : n + 20], np.repeat([0, 1], 20))
    assert np.isnan(Judge([SignificanceImprovement()], few)()["max_sic"])


def test_the_divergence_of_masses_is_that_of_scipy_and_vanishes_for_a_cut_that_does_not_see_the_mass():
    p, q = np.random.default_rng(2).uniform(size=(2, 30))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert (jensen_shannon(p, p), jensen_shannon(np.eye(2)[0], np.eye(2)[1])) == (0, 1)
    n = 20_000
    rng = np.random.default_rng(3)
    label, score = np.arange(n) % 2, rng.uniform(size=n)
    blind, sharp = rng.uniform(50, 150, n), 100 * score
    figure = MassSculpting(bins=20)
    for mass, divergence, mean in ((blind, 0, 100), (sharp, 0.31, 75)):  # of uniform [0, 1] and [1/2, 1]: 0.311 bit
        examples = ScoredExamples(np.stack([1 - score, score], 1), label, columns={"mass": mass})
        found = Judge([figure], examples)()
        assert found["mass_jsd_0.5"] == pytest.approx(divergence, abs=0.01)
        assert found["background_mass_0.5"] == pytest.approx(mean, rel=0.01)


SPEC = DataSpec(NAMES, background="QCD", working_points=PUBLISHED)


def test_the_data_set_says_background_and_working_points_and_keys_take_their_place():
    setting = EvaluationOptions().setting(SPEC)
    assert (setting.background, [setting.points(c) for c in range(4)]) == (
        0,
        [(0.3, 0.5), (0.5,), (0.3, 0.5), (0.995,)],
    )
    setting = EvaluationOptions(working_points=[0.8], background="Hbb").setting(SPEC)
    assert (setting.signals, setting.points(3), setting.key("rejection", 3, 0.8)) == (
        [0, 2, 3],
        (0.8,),
        "rejection_Tblv_0.8",
    )
    setting = EvaluationOptions(working_points={"Tblv": [0.99]}).setting(SPEC)
    assert (setting.points(1), setting.points(3)) == ((0.5,), (0.99,))
    two = EvaluationOptions().setting(DataSpec(("QCD", "Tblv"), background="QCD", working_points=PUBLISHED))
    assert (two.background, two.points(1), two.key("rejection", 1, 0.3)) == (0, (0.3, 0.5), "rejection_0.3")
    assert EvaluationOptions().setting(DataSpec(tuple("0123"))).background is None


@pytest.mark.parametrize(
    ("keys", "spec", "said"),
    [
        (
            {"metrics": ["calibraton_error"]},
            SPEC,
            "no figure of merit 'calibraton_error'; did you mean calibration_error",
        ),
        ({"metrics": ["class_auc"]}, DataSpec(("a", "b")), "class_auc is for >= 3 classes, the data set has 2"),
        (
            {"metrics": ["max_sic"]},
            DataSpec(("a", "b", "c")),
            "max_sic needs a background; choose one: evaluation.back",
        ),
        ({"background": "QDC"}, SPEC, "evaluation.background=QDC is not a class; did you mean QCD"),
        ({"background": "b"}, DataSpec(("a", "b")), "of two classes the first, a, is the background"),
        ({"working_points": [0.3, 1.2]}, SPEC, r"must be signal efficiencies in \(0, 1\], got 1.2"),
        ({"working_points": {"Hb": [0.3]}}, SPEC, "evaluation.working_points.Hb is not a class; did you mean Hbb"),
    ],
)
def test_a_wrong_option_is_one_line(keys, spec, said):
    with pytest.raises(ConfigError, match=said):
        ClassificationEvaluator().with_options(EvaluationOptions(**keys), spec)


def test_an_evaluator_has_the_figures_that_are_asked_for_and_draws_them(four, tmp_path):
    shared = ClassificationEvaluator()
    own = shared.with_options(
        EvaluationOptions(metrics=["calibration_error", "mass_jsd_0.5", "class_auc", "max_sic"]), SPEC
    )
    assert (shared.asked_for, shared.columns, own.columns) == ((), (), ("mass",))
    weight = np.random.default_rng(4).uniform(-0.2, 1, len(four))
    outputs = {
        "index": np.arange(len(four)), "label": four.label, "scores": four.scores, "weight": weight,
        "loss": np.ones(len(four)), "mass": np.random.default_rng(5).uniform(0, 100, len(four)),
    }  # fmt: skip
    quick, final = own.quick(outputs), own.final(outputs, seed=1)
    of_classes = {*(f"auc_{name}" for name in NAMES), *(f"max_sic_{name}" for name in NAMES[1:])}
    assert set(quick) == {"loss", "accuracy", "auc", "calibration_error", *of_classes}
    assert all(final[name] == pytest.approx(value) for name, value in quick.items())
    assert {"rejection_Hbb_0.5", "rejection_Tblv_0.995", "mass_jsd_Tblv_0.995"} < final.keys()
    assert own.table(outputs, NAMES).column_names[-2:] == ["weight", "mass"]
    own.figures(outputs, NAMES, tmp_path, seed=1)
    drawn = {path.stem for path in tmp_path.iterdir()}
    assert {
        "roc",
        "scores",
        "confusion_matrix",
        "reliability",
        "background_mass_Hbb",
        "significance_improvement",
    } < drawn
