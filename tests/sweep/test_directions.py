"""What a sweep is judged by is known before its first trial, and made best the way the metric says."""

import pytest

from hepexp.batch import DataSpec, Target
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.evaluation.evaluators.regression import RegressionEvaluator
from hepexp.evaluation.options import EvaluationOptions
from hepexp.sweep.directions import directions_of, refuse_unknown

CLASSIFIER = "hepexp.losses.cross_entropy.CrossEntropy"


@pytest.mark.parametrize(
    ("loss", "metric", "direction"),
    [
        (CLASSIFIER, "val/auc", "maximize"),
        (CLASSIFIER, "model/flops", "minimize"),
        ("hepexp.losses.lie_gan.LieGan", "val/mismatch", "minimize"),
        ("hepexp.losses.elbo.Elbo", "val/kl", "minimize"),
        ("hepexp.losses.elbo.Elbo", "val/reconstruction_over_baseline_ecal", "minimize"),
        ("hepexp.losses.equivariant_autoencoder.EquivariantAutoencoder", "val/angle_error_deg", "minimize"),
    ],
)
def test_the_metric_says_which_way_is_better_unless_one_is_given(loss, metric, direction):
    assert directions_of([metric], [], loss) == [direction]
    assert directions_of([metric], ["maximize"], loss) == ["maximize"]


def test_a_figure_of_merit_that_no_trial_computes_is_refused_until_it_is_asked_for():
    with pytest.raises(ConfigError, match=r"^sweep.metric=val/auc_Hbb: no trial computes it; .*=\[class_auc\]$"):
        directions_of(["val/auc_Hbb"], [], CLASSIFIER, {"metrics": ["calibration_error"]})
    asked = {"metrics": ["class_auc", {"_target_": "hepexp.evaluation.classifiers.calibration.CalibrationError"}]}
    found = directions_of(["val/auc_Hbb", "val/calibration_error"], [], CLASSIFIER, asked)
    assert found == ["maximize", "minimize"]
    with pytest.raises(ConfigError, match=r"^sweep.metric=val/mass_jsd_0.5 is computed on the test set only"):
        directions_of(["val/mass_jsd_0.5"], [], CLASSIFIER, {"metrics": ["mass_sculpting"]})


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("val/rejection_0.5", r"is computed on the test set only \(metrics of a trial: val/accuracy, val/auc, "),
        ("val/acuracy", r"is not a metric of this loss; did you mean val/accuracy\?"),
        ("val/mismatch", "is not a metric of this loss"),
        ("train/loss", "is not a number of metrics.json"),
        ("train/lr", "is not a number of metrics.json"),
        ("data/source", "is not a number of metrics.json"),
        ("train/epochs", "neither higher nor lower is better; give sweep.direction=maximize or minimize"),
    ],
)
def test_what_trials_will_not_have_is_refused(metric, said):
    with pytest.raises(ConfigError, match=f"^sweep.metric={metric}:? {said}"):
        directions_of([metric], [], CLASSIFIER)


def test_a_class_or_a_target_that_the_data_set_lacks_is_refused_before_a_trial():
    spec = DataSpec(("QCD", "Hbb", "Tbqq"), background="QCD")
    asked = EvaluationOptions(metrics=["class_auc", "max_sic", "mass_sculpting"])
    figures = ClassificationEvaluator().with_options(asked, spec).figures_of_an_epoch()
    assert set(figures) == {
        *("loss", "accuracy", "auc", "auc_QCD", "auc_Hbb", "auc_Tbqq", "max_sic_Hbb", "max_sic_Tbqq")
    }
    refuse_unknown(["val/auc_Hbb", "val/max_sic_Tbqq", "model/flops"], figures)
    with pytest.raises(ConfigError, match="val/auc_Hb: no trial has auc_Hb; did you mean auc_Hbb"):
        refuse_unknown(["val/auc", "val/auc_Hb"], figures)
    targets = RegressionEvaluator((Target("mass"),)).figures_of_an_epoch()
    with pytest.raises(ConfigError, match="val/resolution_pt: no trial has resolution_pt"):
        refuse_unknown(["val/resolution_pt"], targets)
    refuse_unknown(["val/knn_accuracy"], EmbeddingEvaluator().figures_of_an_epoch())
