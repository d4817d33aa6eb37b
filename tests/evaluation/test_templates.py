"""Templates: counts are kept, a missing direction is the mirror image, and the file is one that pyhf reads."""

import numpy as np
from numpy.testing import assert_allclose

from hepexp.evaluation.templates import Variation, channels, templates


def test_templates_count_the_examples_of_each_class_in_each_variation():
    rng = np.random.default_rng(1)
    label, score = rng.integers(0, 2, 500), rng.random(500)
    scores = np.stack([1 - score, score], 1)
    moved = np.clip(score + 0.05, 0, 1)
    up = np.stack([1 - moved, moved], 1)
    weight = rng.uniform(0.5, 2, 500)
    (found,) = templates(
        scores, label, ("qcd", "top"), {"both": Variation(up, scores), "one": Variation(None, up)}, weight
    )
    assert_allclose(found.nominal.sum(1), [weight[label == c].sum() for c in (0, 1)])
    assert_allclose((found.error**2).sum(1), [(weight[label == c] ** 2).sum() for c in (0, 1)])
    expected, _ = np.histogram(moved[label == 1], np.linspace(0, 1, 21), weights=weight[label == 1])
    assert_allclose(found.up["both"][1], expected)
    assert_allclose(found.down["both"], found.nominal)
    assert_allclose(found.down["one"], found.up["both"])
    assert_allclose(found.up["one"], np.maximum(2 * found.nominal - found.up["both"], 0))
    assert found.mirrored == {"one"}
    written = channels([found], ("qcd", "top"))
    sample = written["channels"][0]["samples"][1]
    assert (written["channels"][0]["name"], sample["name"]) == ("score_top", "top")
    assert [one["type"] for one in sample["modifiers"]] == ["histosys", "histosys", "staterror"]
    assert len(written["edges"]["score_top"]) == len(sample["data"]) + 1
    assert_allclose(sample["modifiers"][0]["data"]["hi_data"], expected)


def test_of_more_classes_each_has_a_template():
    scores = np.random.default_rng(2).dirichlet(np.ones(3), 60)
    found = templates(scores, np.arange(60) % 3, ("a", "b", "c"), {"s": Variation(scores, scores)})
    assert [one.of for one in found] == ["a", "b", "c"]
    assert all(one.nominal.sum() == 60 for one in found)
