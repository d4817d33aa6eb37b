"""Probes with few labels: which examples they take, and what they are without any of a class."""

import numpy as np
import pytest

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.embeddings.few_labels import labelled_subset, share_of
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.evaluation.options import EvaluationOptions

RANDOM = np.random.default_rng(0)
SPEC = DataSpec(("gluon", "quark"))


def test_subsets_have_their_share_of_each_class_contain_each_other_and_follow_the_seed():
    label = np.r_[np.zeros(300, int), np.ones(100, int)]
    small, large, all_of_them = (labelled_subset(label, f, seed=1) for f in (0.01, 0.1, 1))
    np.testing.assert_array_equal(np.bincount(label[small]), [3, 1])
    np.testing.assert_array_equal(np.bincount(label[large]), [30, 10])
    assert {*small} < {*large} < {*all_of_them} == {*range(400)}
    assert {*small} != {*labelled_subset(label, 0.01, seed=2)}
    assert [share_of(100, k / 100) for k in range(101)] == [*range(101)]


def outputs(n_train: int = 200) -> dict[str, np.ndarray]:
    def points(label):
        return RANDOM.normal(size=(len(label), 3)) + 3 * label[:, None]

    label = np.arange(60) % 2
    train = np.arange(n_train) % 2
    found = {"index": np.arange(60), "label": label, "batch_loss": np.ones(60), "embedding": points(label)}
    return found | {f"{name}/{k}": v for name in ("reference", "training")
                    for k, v in (("embedding", points(train)), ("label", train))}  # fmt: skip


def test_probes_of_fractions_have_figures_with_errors_or_say_what_is_empty():
    evaluator = EmbeddingEvaluator().with_options(EvaluationOptions(label_fractions=[0.005, 0.1, 1]), SPEC)
    assert evaluator.training
    found = evaluator.final(outputs(), seed=1)
    for ending in ("0.1", "1"):
        assert found[f"probe_accuracy_at_{ending}"] > 0.9
        assert found[f"probe_auc_at_{ending}_err"] is None or found[f"probe_auc_at_{ending}_err"] < 0.1
        assert f"probe_rejection_0.5_at_{ending}" in found
    assert found["probe_auc_at_0.005"] is None
    assert "0.005 of the 100 training examples of class gluon" in found["probe_auc_at_0.005_note"]


def test_fractions_out_of_range_and_of_classifiers_are_refused():
    with pytest.raises(ConfigError, match=r"evaluation.label_fractions must be in \(0, 1\], got 10"):
        EvaluationOptions(label_fractions=[10])
    with pytest.raises(ConfigError, match=r"evaluation.label_fractions is for embeddings"):
        ClassificationEvaluator().with_options(EvaluationOptions(label_fractions=[0.1]), SPEC)
