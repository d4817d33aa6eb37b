"""Only the third feature tells the classes apart, and the best classifier has the accuracy of the closed form."""

import numpy as np
import pytest
from scipy.stats import kstest, norm

from hepexp.data.datasets.three_features.generate import NODES, SHIFT, make_block
from hepexp.data.datasets.three_features.info import INFO, check
from hepexp.data.datasets.three_features.module import ThreeFeatures
from hepexp.errors import DataError


def test_features_are_gaussian_around_the_means_that_are_said():
    for kind, sign in (("below", -1), ("above", 1)):
        graphs = make_block(kind, 3, 0, 1000)
        for name, mean in (("first", 0), ("second", 0), ("third", sign * SHIFT)):
            assert kstest(graphs[name], "norm", (mean, 1)).pvalue > 0.01


def test_the_sum_of_the_third_feature_is_the_best_classifier():
    graphs = INFO.mini()
    total = graphs["third"].reshape(-1, NODES).sum(1)
    right = ((total > 0) == (graphs.label == 1)).mean()
    assert right == pytest.approx(norm.cdf(1), abs=4 * np.sqrt(0.13 / len(graphs)))


def test_each_node_is_joined_to_all_others():
    data = ThreeFeatures(n_train=40, batch_size=4, seed=1)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    assert batch.x.shape == (4 * NODES, 3)
    assert batch.edge_index.shape == (2, 4 * NODES * (NODES - 1))
    stored = data.store.take(batch.index.numpy())
    np.testing.assert_array_equal(batch.x[:, 2], stored["third"])


def test_a_graph_of_another_size_is_refused():
    graphs = make_block("above", 1, 0, 3)
    graphs.offsets[1] -= 1
    with pytest.raises(DataError, match=r"a.parquet: .*expected 8"):
        check(graphs, "a.parquet")
