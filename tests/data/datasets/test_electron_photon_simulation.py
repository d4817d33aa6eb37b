"""Closed forms of showers, conversions and helices; and crops that differ by nothing but physics."""

import h5py
import numpy as np
import pytest

from hepexp.data.datasets.electron_photon import crystal_readout, em_shower, tracker_material
from hepexp.data.datasets.electron_photon import generate as electron_photon
from hepexp.data.datasets.electron_photon.info import LAYOUT as ELECTRON_PHOTON_LAYOUT
from hepexp.data.datasets.electron_photon.tracker_material import CURVATURE, ECAL_RADIUS, LAYERS, Tracks
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from tests.samples import sample


def assert_same(a: Ragged, b: Ragged) -> None:
    np.testing.assert_array_equal(a.label, b.label)
    np.testing.assert_array_equal(a.offsets, b.offsets)
    for name in ELECTRON_PHOTON_LAYOUT.elements:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def tracks(charge: int, energy: np.ndarray) -> Tracks:
    """One particle an event, at the origin, towards azimuth 0."""
    zero = np.zeros(len(energy))
    return Tracks(np.arange(len(energy)), np.full(len(energy), charge), energy, zero, zero, zero)


@pytest.fixture(scope="module")
def crops() -> dict[str, np.ndarray]:
    """Dense crops (600, 2, 32, 32) of each class."""
    return {
        kind: to_dense(electron_photon.make_block(kind, 1, 0, 600), ELECTRON_PHOTON_LAYOUT.shape)
        for kind in electron_photon.CLASSES
    }


@pytest.mark.parametrize("kind", electron_photon.CLASSES)
def test_a_block_is_reproducible_and_begins_like_a_shorter_one(kind: str):
    reports = []
    long = electron_photon.make_block(kind, 3, 1, 203, reports.append)
    again = electron_photon.make_block(kind, 3, 1, 203)
    short = electron_photon.make_block(kind, 3, 1, 7)
    other = electron_photon.make_block(kind, 3, 2, 7)
    assert sum(reports) == len(long) == 203
    assert (long.label == electron_photon.CLASSES.index(kind)).all()
    assert_same(again, long)
    assert_same(short, long.take(slice(7)))
    assert not np.array_equal(other["value"], short["value"])


@pytest.mark.parametrize("energy", [1.0, 50.0])
def test_longitudinal_profile_is_normalised_with_its_maximum_at_t_max(energy: float):
    t_max, alpha = em_shower.mean_profile(np.array(energy))
    assert t_max == pytest.approx(np.log(energy / em_shower.CRITICAL_ENERGY) - 0.858)
    edges = np.linspace(0, 100, 20_001)
    profile = np.diff(em_shower.fraction_before(edges, t_max, alpha))
    assert profile.sum() == pytest.approx(1, abs=1e-9)
    assert edges[profile.argmax()] == pytest.approx(t_max, abs=0.01)


def test_depths_of_single_showers_scatter_around_the_mean_one():
    random = np.random.default_rng(0)
    energy = np.full(20_000, 50.0)
    t_max, _ = em_shower.draw_profiles(energy, random)
    y = np.log(50 / em_shower.CRITICAL_ENERGY)
    assert np.log(t_max).mean() == pytest.approx(np.log(y - 0.858), abs=0.004)
    assert np.log(t_max).std() == pytest.approx(1 / (-1.4 + 1.26 * y), rel=0.02)


def test_a_shower_is_conserved_in_a_wide_plane_of_crystals():
    random = np.random.default_rng(1)
    energy, place = np.array([0.3, 5.0, 70.0]), random.uniform(-0.5, 0.5, (2, 3))
    slices = em_shower.slice_shares(energy, np.array([False, True, False]), random)
    shares = em_shower.crystal_shares(*place, slices, energy, 301)
    np.testing.assert_allclose(shares.sum((1, 2)), slices.sum(1), rtol=1e-3)
    np.testing.assert_allclose(slices.sum(1), 1, atol=0.02)  # 25.8 radiation lengths leak little


def test_share_of_a_crystal_is_the_integral_of_the_radial_profile():
    radius, x, y = 0.7, 1.2, 0.8
    u, v = np.meshgrid((np.arange(400) + 0.5) * x / 400, (np.arange(400) + 0.5) * y / 400)
    r = np.hypot(u, v)
    density = 2 * r * radius**2 / (r**2 + radius**2) ** 2 / (2 * np.pi * r)
    closed = em_shower._quadrant(np.array(x), np.array(y), np.array(radius))
    assert closed == pytest.approx(density.mean() * x * y, rel=1e-5)


@pytest.mark.parametrize("x", [0.1, 1.0])
def test_photons_convert_with_the_closed_form_and_conserve_energy(x: float):
    n = 40_000
    photons = tracks(0, np.full(n, 50.0))
    after = tracker_material.convert(photons, np.full(n, x), np.random.default_rng(2))
    converted = (after.charge == 1).sum()
    expected = 1 - np.exp(-7 / 9 * x)
    assert converted / n == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n))
    assert converted == (after.charge == -1).sum()
    np.testing.assert_allclose(np.bincount(after.event, after.energy), 50)
    # of 1 - 4/3 x (1 - x), the share of either particle has variance 1/12 + 1/140
    share = after.energy[after.charge == 1] / 50
    assert share.var() == pytest.approx(19 / 210, rel=0.03)


def test_electrons_keep_exp_minus_x_of_their_energy_and_photons_carry_the_rest():
    n, x = 40_000, 0.3
    after = tracker_material.radiate(tracks(-1, np.full(n, 50.0)), np.full(n, x), np.random.default_rng(3))
    kept = after.energy[after.charge == -1].sum() / (50 * n)
    assert kept == pytest.approx(np.exp(-x), abs=0.005)
    assert after.energy.sum() == pytest.approx(50 * n, rel=2 * tracker_material.MIN_ENERGY / 50)


@pytest.mark.parametrize("charge", [-1, 0, 1])
def test_azimuth_and_path_at_the_crystals_are_those_of_a_helix(charge: int):
    pt = np.array([1.0, 5.0, 50.0])
    track, radius = tracks(charge, pt), 0.0
    for following in [*LAYERS, ECAL_RADIUS]:
        track = tracker_material.propagate(track, pt, radius, following)
        radius = following
    angle = np.arcsin(CURVATURE * ECAL_RADIUS / 2 / pt)
    np.testing.assert_allclose(track.phi, -charge * angle, rtol=1e-10)
    arc = 2 * pt / CURVATURE * angle if charge else np.full(3, ECAL_RADIUS)
    np.testing.assert_allclose(track.delay, arc - ECAL_RADIUS, atol=1e-12)


def test_photons_of_bremsstrahlung_go_along_the_tangent():
    """A straight line from radius r at angle psi to it passes the origin at r sin(psi), wherever it is."""
    photon = Tracks(*(np.array([value]) for value in (0, 0, 10.0, 0.3, 0.02, 0.0)))
    far = tracker_material.propagate(photon, photon.energy, 0.5, ECAL_RADIUS)
    start = 0.5 * np.exp(0.3j)
    end = ECAL_RADIUS * np.exp(1j * far.phi[0])
    assert np.angle(end - start) == pytest.approx(0.32, abs=1e-12)


def test_tracks_that_turn_back_are_lost():
    half = CURVATURE * ECAL_RADIUS / 2  # the pT whose circle just touches the crystals
    pt = half * np.array([0.99, 1.01])
    assert tracker_material.propagate(tracks(1, pt), pt, 0.0, ECAL_RADIUS).event.tolist() == [1]


def test_clusters_follow_bremsstrahlung_in_phi_and_leave_lone_noise_out():
    energy = np.zeros((1, 32, 32))
    energy[0, 16, 14:18] = [0.2, 5, 40, 0.2]  # the hardest, its neighbours in a row
    energy[0, 16, 24] = 1.0  # a photon further along phi
    energy[0, 16, 4] = 0.2  # above the noise, without a seed
    clustered = crystal_readout.is_clustered(energy, 16)[0]
    assert np.flatnonzero(clustered[16]).tolist() == [14, 15, 16, 17, 18, 22, 23, 24, 25, 26]
    assert np.flatnonzero(clustered.any(1)).tolist() == [14, 15, 16, 17, 18]


def test_towers_are_read_with_their_neighbours_only():
    energy = np.zeros((50, 32, 32))
    energy[:, 16, 16] = 10.0
    read = crystal_readout.is_read(energy, np.ones(50), np.random.default_rng(4))
    assert (read.sum((1, 2)) == 225).all()
    assert read[:, 11:22, 11:22].all()
    assert not crystal_readout.is_read(0.1 * energy, np.ones(50), np.random.default_rng(4)).any()


def test_hottest_crystal_is_at_the_centre_and_every_hit_has_a_time(crops: dict[str, np.ndarray]):
    for energy, time in (dense.swapaxes(0, 1) for dense in crops.values()):
        assert (energy.reshape(len(energy), -1).argmax(1) == 16 * 32 + 16).all()
        assert (energy >= 0).all()
        np.testing.assert_array_equal(energy > 0, time != 0)
        assert time.min() >= -2.52
        assert time.max() <= 2.29


def test_values_have_ten_significant_bits(crops: dict[str, np.ndarray]):
    mantissa, _ = np.frexp(crops["photon"])
    assert (mantissa * 2**electron_photon.BITS == np.round(mantissa * 2**electron_photon.BITS)).all()


def test_electrons_are_wider_in_phi_and_not_in_eta(crops: dict[str, np.ndarray]):
    peak, beside = {}, {}
    for kind, dense in crops.items():
        energy = dense[:, 0] / dense[:, 0].sum((1, 2))[:, None, None]
        peak[kind], beside[kind] = energy[:, 16, 16].mean(), energy[:, :, [15, 17]].sum((1, 2))
        rows = energy.sum(2)[:, [15, 17]].sum(1)
        assert rows.mean() == pytest.approx(0.18, abs=0.02)
    assert peak["electron"] < peak["photon"] - 0.03
    assert np.median(beside["electron"]) > np.median(beside["photon"]) + 0.03


def test_the_sum_of_a_crop_does_not_tell_its_class(crops: dict[str, np.ndarray]):
    """Area under the curve of the energy alone, which is that of a flat pseudorapidity for both."""
    photon, electron = (crops[kind][:, 0].sum((1, 2)) for kind in electron_photon.CLASSES)
    assert (electron[:, None] > photon).mean() == pytest.approx(0.5, abs=0.06)


def test_means_agree_with_the_published_crops(crops: dict[str, np.ndarray]):
    with h5py.File(sample("electron_photon/cms_electron_photon_100.h5")) as file:
        images, label = file["X"][..., 0], file["y"][:]
    for number, kind in enumerate(electron_photon.CLASSES):
        for name, quantity in {
            "energy": lambda image: image.sum((1, 2)),
            "peak": lambda image: image.max((1, 2)) / image.sum((1, 2)),
            "3 x 3": lambda image: image[:, 15:18, 15:18].sum((1, 2)) / image.sum((1, 2)),
            "hits": lambda image: (image > 0).sum((1, 2)),
            "row": lambda image: image[:, 16].sum(1) / image.sum((1, 2)),
        }.items():
            real, made = quantity(images[label == number]), quantity(crops[kind][:, 0])
            error = np.hypot(real.std() / np.sqrt(len(real)), made.std() / np.sqrt(len(made)))
            assert abs(real.mean() - made.mean()) < 4 * error, f"{kind}: {name}"
