"""The pictures of `hepexp data show NAME --views`: what they show is what a model reads."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from hepexp.batch import GraphBatch
from hepexp.data.find import class_of
from hepexp.data.pictures.random_views import _matrix, draw_views
from hepexp.data.views.augmentation import Augmentation
from hepexp.data.views.graph_views import EdgeDropping, FeatureMasking, NodeDropping
from hepexp.data.views.views import TwoViews, Views, names_of
from hepexp.errors import ConfigError
from tests.data.small import use_small_samples


@pytest.fixture(autouse=True)
def small_samples(monkeypatch):
    use_small_samples(monkeypatch)


def made(name: str, **keys):
    return partial(class_of(name), source="mini", seed=1, n_train=20, **keys)


def test_each_view_of_each_representation_is_a_row_and_several_are_drawn_together_too(tmp_path):
    drawn = draw_views(tmp_path, made("qg"))
    assert list(drawn) == ["views_particles", "views_image", "views_graph"]
    height = {name: Image.open(tmp_path / f"{name}.png").height for name in drawn}
    rows = {name: len(names_of(name.removeprefix("views_"))) for name in drawn}
    per_row = (height["views_particles"] - height["views_graph"]) / (rows["views_particles"] - rows["views_graph"])
    assert height["views_image"] == pytest.approx(height["views_graph"] + per_row, abs=3)

    chosen = draw_views(tmp_path, made("qg", views=Views(boost=0.5, rotate=90)))
    assert list(chosen) == ["views_particles"]
    assert Image.open(tmp_path / "views_particles.png").height == pytest.approx(height["views_graph"], abs=3)

    augmented = draw_views(tmp_path, made("qg", augment=Augmentation(rotate=90, mixup=0.4)))
    assert list(augmented) == ["views_image"]
    assert Image.open(tmp_path / "views_image.png").height == pytest.approx(height["views_graph"], abs=3)


def test_views_of_different_representations_and_data_without_any_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="not all of one of particles, image, graph"):
        draw_views(tmp_path, made("qg", views=Views(boost=0.5, flip=True)))
    with pytest.raises(ConfigError, match="none of such data"):
        draw_views(tmp_path, made("rotated_points"))
    assert not list(tmp_path.iterdir())


def test_nodes_keep_their_place_when_others_are_dropped_and_features_masked():
    n = 12
    edges = torch.combinations(torch.arange(n)).T
    x = torch.rand(n, 3, generator=torch.Generator().manual_seed(0)) + 1
    one = torch.zeros(1, dtype=torch.long)
    graph = GraphBatch(one, one, torch.zeros(1, 0), x=x, edge_index=edges, graph=one.expand(n))
    whole = _matrix(graph)
    steps = (NodeDropping(0.3), EdgeDropping(0.2), FeatureMasking(0.4))
    matrix = _matrix(graph, TwoViews(steps), torch.Generator().manual_seed(1))
    left = np.isfinite(matrix[:, -1])
    assert left.sum() == n - int(0.3 * n)
    assert np.isnan(matrix[~left]).all()
    assert np.isnan(matrix[:, :n][:, ~left]).all()
    adjacency = matrix[np.ix_(left, np.r_[left, np.zeros(3, bool)])]
    assert (adjacency <= whole[np.ix_(left, np.r_[left, np.zeros(3, bool)])]).all()
    features, before = matrix[left][:, n:], whole[left][:, n:]
    assert np.isin(features, [0.0, *before.ravel()]).all()
    np.testing.assert_array_equal(features[features > 0], before[features > 0])
