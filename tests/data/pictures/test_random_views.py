"""The pictures of `hepexp data show NAME --views`: what they show is what a model reads."""

from __future__ import annotations

from argparse import Namespace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from hepexp.batch import GraphBatch
from hepexp.cli.data_options import small_data_set
from hepexp.data.find import class_of
from hepexp.data.loading import datamodule
from hepexp.data.loading.split_store import open_source
from hepexp.data.pictures.random_views import Nodes, draw_views
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.store.images import from_dense
from hepexp.data.views.augmentation import Augmentation
from hepexp.data.views.graph_views import EdgeDropping, FeatureMasking, NodeDropping
from hepexp.data.views.views import TwoViews, Views, names_of
from hepexp.errors import ConfigError
from tests.data.small import cone, use_small_samples, with_momenta


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

    both = draw_views(tmp_path, made("qg", views=Views(rotate=90), augment=Augmentation(rotate=90, crop=0.2)))
    assert list(both) == ["views_image"]
    assert rows["views_image"] == 4  # as one of a view, and three of augmentation
    assert Image.open(tmp_path / "views_image.png").height == pytest.approx(height["views_image"], abs=3)


def test_examples_that_are_open_are_not_opened_again(monkeypatch):
    info = class_of("qg").info
    opened = open_source(info, "mini", None, 10, 1)
    given = Namespace(name="qg", config=None, config_dir=[], files=None, n=10, seed=1)
    data = small_data_set(given, opened)
    monkeypatch.setattr(datamodule, "open_source", lambda *_: pytest.fail("opened again"))
    data.setup()
    assert data.split_store is opened


def test_views_of_different_representations_and_data_without_any_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"views.boost and dataset.views.crop are not of one of particles, image, gr"):
        draw_views(tmp_path, made("qg", views=Views(boost=0.5, crop=0.2)))
    with pytest.raises(ConfigError, match=r"--views: dataset\.views\.soft is not of image or graph"):
        draw_views(tmp_path, made("mnist", views=Views(soft=0.1)))
    with pytest.raises(ConfigError, match="none of such data"):
        draw_views(tmp_path, made("rotated_points"))
    assert not list(tmp_path.iterdir())


def test_nodes_keep_their_place_when_others_are_dropped_and_features_masked():
    n = 12
    edges = torch.combinations(torch.arange(n)).T
    x = torch.rand(n, 3, generator=torch.Generator().manual_seed(0)) + 1
    one = torch.zeros(1, dtype=torch.long)
    graph = GraphBatch(one, one, torch.zeros(1, 0), x=x, edge_index=edges, graph=one.expand(n))
    whole = Nodes.of(graph)
    np.testing.assert_array_equal(whole.edges, edges)
    np.testing.assert_array_equal(whole.features, 1)
    steps = (NodeDropping(0.3), EdgeDropping(0.2), FeatureMasking(0.4))
    found = Nodes.of(graph, TwoViews(steps), torch.Generator().manual_seed(1))
    assert len({*found.number}) == n - int(0.3 * n)
    assert np.isin(found.edges, found.number).all()
    assert {*map(tuple, found.edges.T)} < {*map(tuple, edges.T.tolist())}
    shares = 3 * found.features  # of three features
    np.testing.assert_allclose(shares, shares.round(), atol=1e-6)
    assert 0 < found.features.mean() < 1
    masked = Nodes.of(graph, TwoViews((FeatureMasking(0.4),)), torch.Generator().manual_seed(1)).features
    drawn = torch.rand(n, 4, generator=torch.Generator().manual_seed(1)) >= 0.4  # the last is the number of the node
    np.testing.assert_allclose(masked, drawn[:, :3].double().mean(1), atol=1e-6)


@pytest.mark.parametrize("nodes", ["relative", "momentum"])
def test_particles_lie_in_rapidity_and_azimuth_and_pixels_in_columns_and_rows(nodes: str):
    jets = with_momenta(cone(9))
    form = ParticleGraph(edges="all", nodes=nodes)
    y, phi = form.plane(form.prepare(jets)).T
    for values, name in ((y, "y"), (phi, "phi")):
        first = np.repeat(jets.offsets[:-1], jets.counts)
        apart, expected = values - values[first], cone(9)[name] - cone(9)[name][first]
        np.testing.assert_allclose(np.cos(apart), np.cos(expected), atol=1e-5)
    pixels = PixelGraph().of_shape((1, 3, 4))
    image = from_dense(np.zeros(1), np.eye(3, 4)[None, None])
    np.testing.assert_array_equal(pixels.plane(pixels.encode(image)), [[0, 0], [1, -1], [2, -2]])
