"""What a sweep is judged by is known before its first trial, and made best the way the metric says."""

import pytest

from hepexp.errors import ConfigError
from hepexp.sweep.directions import directions_of

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
