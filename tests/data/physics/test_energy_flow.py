"""Energy flow polynomials against closed forms, and the known numbers of graphs."""

import numpy as np
import pytest

from hepexp.data.physics.energy_flow import connected_graphs, energy_flow, graphs_up_to, of_vertices, products


def test_there_are_as_many_graphs_as_are_known():
    assert [len(connected_graphs(d)) for d in (1, 2, 3, 4)] == [1, 2, 5, 12]  # arXiv:1712.07124, table 2
    assert len(graphs_up_to(4)) == 36
    assert len(list(of_vertices(connected_graphs(4), 4))) == 5


def test_for_two_particles_all_follow_from_shares_and_angle():
    z, eta, phi = np.array([[0.7, 0.3, 0.0]]), np.array([[0.0, 0.3, 9.0]]), np.array([[0.0, 0.4, 9.0]])
    graphs = ((), ((0, 1),), ((0, 1), (0, 1)), ((0, 1), (0, 2)), ((0, 1), (0, 2), (1, 2)))
    total, pair, double, wedge, triangle = energy_flow(z, eta, phi, graphs)[0]
    assert total == pytest.approx(1.0)
    assert pair == pytest.approx(2 * 0.7 * 0.3 * 0.5)
    assert double == pytest.approx(2 * 0.7 * 0.3 * 0.25)
    assert wedge == pytest.approx(0.7 * 0.3 * 0.25)  # z_0 z_1^2 + z_1 z_0^2
    assert triangle == pytest.approx(0, abs=1e-15)  # needs three directions


def test_they_are_the_sums_over_all_particles():
    random = np.random.default_rng(0)
    z, eta, phi = random.random((2, 5)), random.normal(size=(2, 5)), random.normal(size=(2, 5))
    theta = np.hypot(eta[:, :, None] - eta[:, None], phi[:, :, None] - phi[:, None])
    for graph in connected_graphs(4):
        n = max(max(edge) for edge in graph) + 1
        expected = np.zeros(2)
        for place in np.ndindex(*(5,) * n):
            factor = np.prod([theta[:, place[i], place[j]] for i, j in graph], axis=0)
            expected += z[:, list(place)].prod(1) * factor
        np.testing.assert_allclose(energy_flow(z, eta, phi, (graph,))[:, 0], expected, rtol=1e-10)


def test_that_of_a_graph_in_parts_is_the_product_of_theirs():
    values = {(): np.array([2.0]), ((0, 1),): np.array([3.0])}
    assert products(values, (((),), (((0, 1),), ((0, 1),)))).tolist() == [[2.0, 9.0]]
