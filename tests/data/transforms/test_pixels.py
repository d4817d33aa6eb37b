"""Pixels as nodes and as particles, and images with nothing in them."""

import numpy as np
import pytest
import torch

from hepexp.batch import GraphBatch, JetBatch
from hepexp.data.physics.kinematics import SOFTEST, polar, sums
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.representations.representation import Particles
from hepexp.data.store.images import from_dense
from hepexp.data.transforms.pixels import PixelParticles, lit_pixels
from tests.data.small import qg_images, represented

SHAPE, CELL = (3, 125, 125), 0.0174


def test_nodes_hold_every_value_once():
    images = qg_images(10)
    found = lit_pixels(images, SHAPE)
    np.testing.assert_allclose(sums(found["value"].sum(1), found), sums(images["value"], images), rtol=1e-5)
    assert (np.count_nonzero(found["value"], axis=1) >= 1).all()
    for i in range(10):
        place = found.take([i])["place"]
        assert len(np.unique(place, axis=0)) == len(place)


def test_particles_carry_the_sum_of_the_pixels_as_transverse_momentum():
    images = qg_images(10)
    particles = PixelParticles(SHAPE, CELL)(images)
    pt = np.hypot(*particles["p4"].T[1:3])
    np.testing.assert_allclose(sums(pt, particles), sums(images["value"].astype(float), images), rtol=1e-6)
    np.testing.assert_allclose(particles["scalars"].sum(1), 1, rtol=1e-5)


def test_particles_are_massless_and_point_where_their_pixel_is():
    dense = np.zeros((1, 3, 125, 125), np.float32)
    dense[0, 1, 62, 62], dense[0, 0, 72, 62], dense[0, 2, 62, 42] = 3, 2, 1
    p4 = PixelParticles(SHAPE, CELL)(from_dense(np.zeros(1), dense))["p4"]
    np.testing.assert_allclose(p4[:, 0] ** 2, (p4[:, 1:] ** 2).sum(1))
    expected = {3.0: (0, 0), 2.0: (10 * CELL, 0), 1.0: (0, -20 * CELL)}
    for pt, y, phi in zip(*polar(p4), strict=True):
        np.testing.assert_allclose((y, phi), expected[round(pt, 6)], atol=1e-6)


def empty_among_others() -> np.ndarray:
    dense = np.zeros((4, 2, 9, 9), np.float32)
    dense[1, 0, 3, 4], dense[1, 1, 3, 5] = 2, 1
    dense[3, 1, 8, 8] = -1  # energy below zero is none
    return dense


def test_an_empty_image_is_one_node_without_energy():
    batch = represented(PixelGraph(k=3).of_shape((2, 9, 9)), from_dense(np.zeros(4), empty_among_others()))
    assert isinstance(batch, GraphBatch)
    assert batch.graph.tolist() == [0, 1, 1, 2, 3]
    assert batch.x[[0, 3]].abs().max() == 0
    assert batch.x.isfinite().all()
    assert batch.edge_index.tolist() == [[2, 1], [1, 2]]


def test_an_image_without_energy_is_one_soft_particle_in_its_centre():
    images = from_dense(np.zeros(4), empty_among_others())
    batch = represented(Particles().with_transforms(PixelParticles((2, 9, 9), CELL)), images)
    assert isinstance(batch, JetBatch)
    assert batch.mask.sum(1).tolist() == [1, 2, 1, 1]
    torch.testing.assert_close(batch.p4[0, 0], torch.tensor([SOFTEST, SOFTEST, 0, 0], dtype=torch.float64))
    features = represented(JetFeatures().with_transforms(PixelParticles((2, 9, 9), CELL)), images).features
    assert features.isfinite().all()


@pytest.mark.parametrize("n_nodes", [None, 1])
def test_images_that_are_all_empty_make_a_graph(n_nodes: int | None):
    images = from_dense(np.zeros(3), np.zeros((3, 2, 9, 9), np.float32))
    batch = represented(PixelGraph(n_nodes=n_nodes, positions=True).of_shape((2, 9, 9)), images)
    assert batch.graph.tolist() == [0, 1, 2]
    assert batch.x.isfinite().all()
