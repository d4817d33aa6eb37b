"""The simplified detector: orbits in its field, and energy flow that gives out what its cells hold."""

from dataclasses import replace

import numpy as np
import pytest

from hepexp.simulation.calorimeter import Calorimeter, better_of_two, electromagnetic, hadronic, pooled
from hepexp.simulation.particles import CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, Particles
from hepexp.simulation.propagation import Barrel, Cylinder

FIELD, RADIUS, HALF_LENGTH = 2.0, 1.15, 3.51
LOWEST_PT = 0.15 * FIELD * RADIUS  # GeV that reach the side of the barrel: 0.345
CYLINDER = Cylinder(FIELD, RADIUS, HALF_LENGTH)


def particles(pt: list[float], eta: list[float], charge: float, kind: int = CHARGED_HADRON) -> Particles:
    zero = np.zeros(len(pt))
    columns = np.array(pt), np.array(eta), zero, zero, np.full(len(pt), kind), zero + charge, zero, zero, zero
    return Particles(np.zeros(len(pt), int), *columns)


def stepped(pt: float, eta: float, charge: float) -> tuple[float, float]:
    """Pseudorapidity and azimuth at which an orbit, followed in small steps, leaves the cylinder."""
    step = 1e-4
    path = step * np.arange(1, 400_001)
    direction = -0.3 * FIELD * charge / pt * (path - step / 2)
    x, y = np.cumsum(np.cos(direction)) * step, np.cumsum(np.sin(direction)) * step
    z = path * np.sinh(eta)
    end = np.argmax((np.hypot(x, y) >= RADIUS) | (abs(z) >= HALF_LENGTH))
    return np.arcsinh(z[end] / np.hypot(x[end], y[end])), np.arctan2(y[end], x[end])


@pytest.mark.parametrize("charge", [1.0, -1.0])
@pytest.mark.parametrize(
    ("pt", "eta"), [(0.5, 0.3), (2.0, -1.0), (30.0, 1.5), (1.0, 2.2), (0.2, 1.0), (0.3, -0.7), (0.12, 0.4)]
)
def test_a_charged_particle_leaves_the_cylinder_where_a_stepped_orbit_does(pt: float, eta: float, charge: float):
    found_eta, found_phi, reached = CYLINDER.arrive(particles([pt], [eta], charge))
    expected_eta, expected_phi = stepped(pt, eta, charge)
    assert reached.all()
    assert found_eta[0] == pytest.approx(expected_eta, abs=3e-3)
    assert np.cos(found_phi[0] - expected_phi) == pytest.approx(1, abs=1e-5)


def test_what_curls_up_in_the_barrel_leaves_by_an_end_at_a_larger_pseudorapidity():
    eta, _, _ = CYLINDER.arrive(particles([0.9 * LOWEST_PT, 1.1 * LOWEST_PT], [0.5, 0.5], 1.0))
    assert abs(eta[0]) > np.arcsinh(HALF_LENGTH / RADIUS) > eta[1]


def test_a_neutral_particle_flies_straight_and_one_made_outside_is_not_seen():
    straight = particles([0.2, 5.0, 80.0], [0.0, -1.3, 2.4], 0.0, PHOTON)
    for propagation in (CYLINDER, Barrel(FIELD, RADIUS)):
        eta, phi, reached = propagation.arrive(straight)
        np.testing.assert_allclose(eta, straight.eta, atol=1e-9)
        np.testing.assert_array_equal(phi, 0)
        assert reached.all()
    outside = replace(straight, production_radius=np.array([0.0, 1149.0, 1151.0]))
    np.testing.assert_array_equal(CYLINDER.arrive(outside)[2], [True, True, False])


def test_a_barrel_without_ends_bends_like_the_cylinder_and_loses_what_curls_up():
    charged = particles([0.9 * LOWEST_PT, 0.5, 10.0], [0.4, 0.4, 0.4], -1.0)
    _, phi, reached = Barrel(FIELD, RADIUS).arrive(charged)
    np.testing.assert_array_equal(reached, [False, True, True])
    np.testing.assert_allclose(phi[1:], CYLINDER.arrive(charged)[1][1:])
    np.testing.assert_allclose(np.sin(phi[1:]), LOWEST_PT / charged.pt[1:])


def layer(share, relative: float = 0.1, energy_min: float = 0.0):
    return hadronic(energy_min, 0.0, lambda energy, eta: relative * energy, share)


def test_better_of_two_gives_out_what_the_cell_measured():
    random = np.random.default_rng(1)
    n = 200
    cell = np.sort(random.integers(0, n, 500))
    tracked = np.where(random.random(500) < 0.3, 0, random.exponential(5, 500))
    error = tracked * random.choice([0.01, 0.5], 500)
    measured, eta = random.exponential(20, n), np.zeros(n)
    neutral, scale = better_of_two(layer(better_of_two), measured, eta, cell, tracked, error)
    doubtful = error > 0.1 * tracked
    believed = np.bincount(cell, np.where(doubtful, 0, tracked), n)
    given = neutral + np.bincount(cell, scale * tracked, n)
    np.testing.assert_allclose(given, np.maximum(measured, believed))
    np.testing.assert_array_equal(scale[~doubtful], 1)
    assert not neutral[np.unique(cell[doubtful])].any()


def test_pooled_averages_by_variances_where_nothing_neutral_stands_out():
    measured, eta, cell = np.array([12.0, 30.0]), np.zeros(2), np.array([0, 1])
    tracked, error = np.array([10.0, 10.0]), np.array([2.0, 2.0])
    neutral, scale = pooled(layer(pooled, energy_min=5.0), measured, eta, cell, tracked, error)
    np.testing.assert_allclose(neutral, [0, 20])
    weights = 1 / np.array([1.2**2, 2.0**2])  # of the cell and of the track
    np.testing.assert_allclose(scale * tracked, [np.average([12.0, 10.0], weights=weights), 10.0])


def test_objects_of_a_cell_lie_together_and_energy_is_kept_on_average():
    def exact(energy, eta):
        return 1e-6 * energy

    layers = electromagnetic(0.1, 1.0, exact, better_of_two), hadronic(0.1, 1.0, exact, better_of_two)
    calorimeter = Calorimeter(np.linspace(-2, 2, 41), np.full(40, 36), layers)
    photons, hadrons = particles([20.0], [0.52], 0.0, PHOTON), particles([30.0], [0.57], 0.0, NEUTRAL_HADRON)
    both = Particles.by_event([photons, hadrons])
    nothing = np.zeros(2)
    seen, scale = calorimeter.measure(both, both.eta, both.phi, nothing, nothing, np.random.default_rng(0))
    assert len(seen) == 2
    assert seen.eta[0] == seen.eta[1]
    assert 0.5 < seen.eta[0] < 0.6
    np.testing.assert_allclose(seen.energy, both.energy, rtol=1e-5)
    np.testing.assert_array_equal(scale, 1)
