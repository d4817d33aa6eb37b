"""Muons in four stations: bending and scattering of the closed forms, and what a trigger makes of them."""

import numpy as np
import pytest

from hepexp.data.datasets.muon_stations import tracks
from hepexp.data.datasets.muon_stations.columns import FEATURES
from hepexp.data.datasets.muon_stations.generate import dphi_fit, make_block, measured
from hepexp.data.datasets.muon_stations.info import INFO
from hepexp.data.datasets.muon_stations.tracks import STATIONS, field, field_integral, scattering_angle

N = 4000


def hits(pt: float, eta: float = 1.8, n: int = N, charge: float = 1.0, seed: int = 1) -> tracks.Hits:
    columns = (np.full(n, value) for value in (pt, eta, charge))
    return tracks.tracks(*columns, np.random.default_rng(seed))


def test_the_field_integral_is_that_of_the_field():
    z = np.linspace(0, 10, 20_001)
    steps = (field(z)[1:] + field(z)[:-1]) / 2 * np.diff(z)
    np.testing.assert_allclose(np.cumsum(steps), field_integral(z[1:]) - field_integral(z[0]), rtol=1e-6)


def test_a_uniform_field_bends_by_half_the_angle_of_a_helix():
    """In a field that is uniform up to the stations d phi = q 0.3 B z / (2 p_z), the first order of a helix."""
    pt, eta, z = 20.0, 1.8, 5.0
    radius = pt / (0.3 * tracks.FIELD)  # m, of the circle in the transverse plane
    turned = z * 1 / np.sinh(eta) / radius  # the arc in the transverse plane over the radius
    expected = 0.15 * tracks.FIELD * z / (pt * np.sinh(eta))
    assert expected == pytest.approx(turned / 2, rel=1e-12)
    assert field_integral(np.array(z)) == pytest.approx(tracks.FIELD * z, rel=0.06)  # before the edge of the coil


def test_the_mean_azimuth_at_a_station_is_the_integral_of_the_field_over_the_momentum():
    pt, eta = 100.0, 1.8
    found = hits(pt, eta).phi.mean(0)
    expected = -0.15 * field_integral(STATIONS) / (pt * np.sinh(eta))
    np.testing.assert_allclose(found, expected, rtol=0.06)  # energy loss, and the statistics of scattering
    opposite = hits(pt, eta, charge=-1.0).phi.mean(0)
    np.testing.assert_allclose(opposite, -expected, rtol=0.06)


def test_bending_between_stations_is_in_proportion_to_one_over_pt():
    differences = [np.diff(hits(pt).phi[:, :2].mean(0))[0] * pt for pt in (20.0, 40.0, 80.0)]
    np.testing.assert_allclose(differences, differences[-1], rtol=0.1)


def test_scattering_follows_highland_and_falls_with_the_momentum():
    assert scattering_angle(10.0, 1.0) == pytest.approx(0.00136)
    narrow, wide = (np.std(hits(pt).phi[:, 0]) for pt in (50.0, 10.0))
    eta, path = 1.8, 3.0 / np.tanh(1.8)
    p = 10.0 * np.cosh(eta) - 1.3 / np.tanh(eta)
    theta_0 = scattering_angle(p, 130 / np.tanh(eta))
    more = (STATIONS[0] - 6.0) / np.tanh(eta)
    expected = theta_0 * np.sqrt(path**2 / 3 + path * more + more**2)  # of a thick layer and a flight behind it
    radius = STATIONS[0] / np.sinh(eta)
    assert wide == pytest.approx(np.hypot(expected, tracks.STRIP) / radius, rel=0.06)
    assert wide > 3 * narrow


def test_slow_muons_stop():
    assert hits(1.0, 1.2).survived.sum() == 0
    assert hits(5.0, 1.2).survived.all()


def test_the_fit_finds_the_momentum_without_scattering():
    inverse = np.array([0.02, 0.1, 0.3])
    theta = np.full(3, 0.3)
    phi = 0.7 - 0.15 * np.tan(theta)[:, None] * inverse[:, None] * field_integral(STATIONS)
    np.testing.assert_allclose(dphi_fit(phi, theta), inverse, rtol=1e-10)


def test_what_is_measured_does_not_depend_on_the_azimuth_or_the_charge():
    one = hits(10.0)
    mirrored = tracks.Hits(-one.phi, one.theta, -one.bend, one.front, one.survived)
    turned = tracks.Hits(one.phi + 1024 * 2.0**-12, one.theta, one.bend, one.front, one.survived)
    found = measured(one)
    assert (found["dphi_12"] >= 0).all()
    for other in (mirrored, turned):
        for name, values in measured(other).items():
            same = np.abs(found["dphi_12"]) > 0  # where the sign is known
            np.testing.assert_allclose(values[same], found[name][same], atol=1e-12, err_msg=name)


def test_the_sample_is_flat_in_one_over_pt_where_muons_survive_and_the_same_for_the_same_seed():
    one, two = (INFO.check(make_block("muon", 3, 0, 5000), "simulation", 0) for _ in range(2))
    for name in INFO.layout.extras:
        np.testing.assert_array_equal(one[name], two[name])
    counts, _ = np.histogram(one["inverse_pt"], bins=[0.01, 0.06, 0.11, 0.16, 0.21])
    assert counts.max() < 1.3 * counts.min()
    assert set(FEATURES) < set(one.extras)
    np.testing.assert_allclose(one["pt"] * one["inverse_pt"], 1, rtol=1e-6)
