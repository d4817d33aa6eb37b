"""Examples are ranked by their log-odds, also where a score in single precision is 1."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.roc import area, background_at


def softmax(logits):
    odds = np.exp((logits - logits.max(1, keepdims=True)).astype(np.float32))
    return odds / odds.sum(1, keepdims=True)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_saturated_scores_rank_like_logits(n_classes):
    rng = np.random.default_rng(1)
    label = np.arange(3000) % n_classes
    logits = rng.normal(size=(3000, n_classes))
    logits[:, -1] += 30 + 4 * rng.normal(size=3000) + (label == n_classes - 1)
    scores = softmax(logits)
    assert np.mean(scores[:, -1] == 1) > 0.9
    taking_part = (label == 0) | (label == n_classes - 1)
    log_odds = (logits[:, -1] - logits[:, 0])[taking_part]
    curve = ScoredExamples(scores, label).against(n_classes - 1, 0)
    signal = label[taking_part] == n_classes - 1
    assert area(*curve.counts()) == pytest.approx(roc_auc_score(signal, log_odds), abs=1e-5)
    cut = np.quantile(log_odds[signal], 0.7)
    passing = np.mean(log_odds[~signal] > cut)
    assert background_at(*curve.counts(), 0.3) == pytest.approx(passing, abs=2e-3)


def test_equal_scores_share_a_rank_whatever_their_rounding():
    logits = np.random.default_rng(2).normal(size=(500, 2)).round(1) * 20
    ranks = ScoredExamples(softmax(logits + 0.1), np.arange(500) % 2).ranks(1, None)
    odds = (logits[:, 1] - logits[:, 0]).round(3)
    for value in np.unique(odds[np.abs(odds) < 80]):
        assert len(np.unique(ranks[odds == value])) == 1
