"""Impact parameters of straight lines have a closed form, and do not care where on the line its vertex is."""

import numpy as np

from hepexp.simulation.particles import impact_parameters


def test_a_line_along_x_passes_at_minus_its_height():
    d0, dz = impact_parameters(np.array([[5.0, 2.0, 7.0]]), np.array([[3.0, 0.0, 6.0]]))
    np.testing.assert_allclose([d0[0], dz[0]], [-2.0, 7.0 - 5.0 * 2.0])


def test_a_line_through_the_origin_has_none():
    momentum = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(impact_parameters(3.7 * momentum, momentum), 0, atol=1e-12)


def test_any_point_of_the_line_will_do_and_d0_is_the_nearest_distance():
    random = np.random.default_rng(1)
    vertex, momentum = random.normal(size=(2, 50, 3))
    first, second = impact_parameters(vertex, momentum), impact_parameters(vertex + 2.5 * momentum, momentum)
    np.testing.assert_allclose(first, second, atol=1e-9)
    steps = np.linspace(-40, 40, 40_001)[:, None, None]
    points = vertex[:20, :2] + steps * momentum[:20, :2] / np.hypot(*momentum[:20, :2].T)[:, None]
    np.testing.assert_allclose(np.hypot(points[..., 0], points[..., 1]).min(0), abs(first[0][:20]), atol=2e-3)
