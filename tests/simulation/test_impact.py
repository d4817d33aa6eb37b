"""Impact parameters of straight lines have a closed form, and do not care where on the line its vertex is."""

import numpy as np

from hepexp.simulation.impact import resolution, straight_line


def test_a_line_along_x_passes_at_minus_its_height():
    d0, dz = straight_line(np.array([[5.0, 2.0, 7.0]]), np.array([[3.0, 0.0, 6.0]]))
    np.testing.assert_allclose([d0[0], dz[0]], [-2.0, 7.0 - 5.0 * 2.0])


def test_a_line_through_the_origin_has_none():
    momentum = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(straight_line(3.7 * momentum, momentum), 0, atol=1e-12)


def test_any_point_of_the_line_will_do_and_d0_is_the_nearest_distance():
    random = np.random.default_rng(1)
    vertex, momentum = random.normal(size=(2, 50, 3))
    first, second = straight_line(vertex, momentum), straight_line(vertex + 2.5 * momentum, momentum)
    np.testing.assert_allclose(first, second, atol=1e-9)
    steps = np.linspace(-40, 40, 40_001)[:, None, None]
    points = vertex[:20, :2] + steps * momentum[:20, :2] / np.hypot(*momentum[:20, :2].T)[:, None]
    np.testing.assert_allclose(np.hypot(points[..., 0], points[..., 1]).min(0), abs(first[0][:20]), atol=2e-3)


def test_hard_central_tracks_are_measured_best():
    pt, eta = np.array([0.5, 5.0, 500.0, 5.0]), np.array([0.0, 0.0, 0.0, 2.0])
    for error in resolution(pt, eta):
        assert error[0] > error[1] > error[2] > 0.009
        assert error[3] > error[1]
