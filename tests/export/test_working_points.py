"""Thresholds keep the signal that they say, on the examples that they are from."""

import numpy as np
import pytest

from hepexp.data.datasets.lhco.search import Search
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.export.working_points import working_points


def test_where_labels_are_not_the_truth_efficiencies_are_of_what_they_are():
    search = Search("cwola", [3300.0, 3700.0], [3100.0, 3900.0])
    scores = np.random.default_rng(0).dirichlet(np.ones(2), 400)
    examples = ScoredExamples(scores, np.arange(400) % 2, setting=Setting(("background", "signal"), 0))
    for point in working_points(examples, search.samples):
        assert (point["passing"], point["rejected"]) == ("the signal region", "the sidebands")
    assert not any("passing" in point for point in working_points(examples))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_examples_above_a_threshold_are_those_of_the_efficiency(n_classes):
    g = np.random.default_rng(0)
    label = g.integers(0, n_classes, 400)
    scores = g.dirichlet(np.ones(n_classes), 400).round(2)  # with ties
    names = tuple("abc"[:n_classes])
    points = working_points(ScoredExamples(scores, label, setting=Setting(names, 0, {"b": (0.3, 0.9)})))
    assert len(points) == 2 * (n_classes - 1)
    for point in points:
        c = names.index(point["class"])
        values = scores[:, c] if n_classes == 2 else scores[:, c] / (scores[:, c] + scores[:, 0])
        passed = values >= point["threshold"]
        assert passed[label == c].mean() == pytest.approx(point["reached_signal_efficiency"])
        assert passed[label == 0].mean() == pytest.approx(point["background_efficiency"])
        assert point["reached_signal_efficiency"] >= point["signal_efficiency"]
        tighter = values > point["threshold"]
        assert tighter[label == c].mean() < point["signal_efficiency"]
