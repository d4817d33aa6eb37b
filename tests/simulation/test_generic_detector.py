"""ACTS's generic detector: TrackML's layers, modules that contain their hits, and muons that bend as they should."""

import numpy as np
import pytest

from hepexp.data.datasets.trackml.layout import N_BARREL, N_LAYERS
from hepexp.simulation.generic_detector import FIELD, GenericDetector, Hits, Particles, generic_detector
from hepexp.simulation.pixel_layers import PIXEL_LAYERS

pytest.importorskip("acts")
MUON = 13


@pytest.fixture(scope="module")
def detector() -> GenericDetector:
    return generic_detector(PIXEL_LAYERS)


def muons(n: int, pt: float, eta: float, charge: int) -> Particles:
    """From the origin, in all directions across the beam."""
    phi = np.linspace(-3, 3, n)
    momentum = pt * np.stack([np.cos(phi), np.sin(phi), np.full(n, np.sinh(eta))], axis=1)
    return Particles(np.full(n, -charge * MUON), np.full(n, charge), np.full(n, 0.10566), np.zeros((n, 3)), momentum)


def followed(detector: GenericDetector, particles: Particles, seed: int = 1) -> Hits:
    from hepexp.simulation.fatras import simulate

    found: list[Hits] = []
    simulate(detector, 1, seed, lambda event: particles, lambda event, hits: found.append(hits))
    return found[0]


def test_layers_are_where_trackml_has_them(detector: GenericDetector):
    """Radii, places and numbers of modules as in TrackML's detectors.csv."""
    modules = detector.modules
    numbers = np.bincount(modules.layer, minlength=N_LAYERS)
    assert numbers.tolist() == [224, 448, 728, 1092, *[108] * (N_LAYERS - N_BARREL)]
    r, z = np.hypot(*modules.centre[:, :2].T), modules.centre[:, 2]
    for layer, radius in enumerate((32, 72, 116, 172)):
        np.testing.assert_allclose(r[modules.layer == layer], radius, atol=0.5)
    places = [600, 700, 820, 960, 1100, 1300, 1500]
    for layer, place in enumerate([*np.negative(places), *places], start=N_BARREL):
        np.testing.assert_allclose(z[modules.layer == layer], place, atol=3)  # modules overlap in z
    for identity, layer in zip(detector.identities, modules.layer, strict=True):
        assert PIXEL_LAYERS[identity >> 56, identity >> 36 & 0xFFF] == layer


def test_the_axes_of_modules_are_orthonormal_and_go_in_azimuth_and_along_the_layer(detector: GenericDetector):
    modules = detector.modules
    np.testing.assert_allclose(np.einsum("mij,mkj->mik", modules.axes, modules.axes), [np.eye(3)] * 4004, atol=1e-12)
    barrel = modules.layer < N_BARREL
    across, along = modules.axes[:, 0], modules.axes[:, 1]
    radial = modules.centre * [1, 1, 0] / np.hypot(*modules.centre[:, :2].T)[:, None]
    assert abs((across * radial).sum(1)).max() < 0.26  # modules of the barrel are tilted
    np.testing.assert_allclose(abs(along[barrel, 2]), 1)
    np.testing.assert_allclose(abs((along * radial).sum(1)[~barrel]), 1, atol=1e-6)


@pytest.mark.parametrize("charge", [-1, 1])
def test_a_muon_bends_with_a_radius_of_its_pt_over_the_field(detector: GenericDetector, charge: int):
    """sin(phi_0 - phi) = q r / 2R in the fourth layer, R = pT / (0.2998 B); scattering has no direction."""
    pt, particles = 10.0, muons(400, 10.0, 0.3, charge)
    hits = followed(detector, particles)
    outer = detector.modules.layer[hits.module] == 3
    x, y, _ = hits.place[outer].T
    px, py, _ = particles.momentum[hits.particle[outer]].T
    turned = np.arctan2(py, px) - np.arctan2(y, x)
    measured = 2 * np.sin(turned) / np.hypot(x, y) * 1000  # 1 / m
    expected = charge * 0.299792458 * FIELD / pt
    error = measured.std() / np.sqrt(len(measured))
    assert 0.001 * abs(expected) < error < 0.01 * abs(expected)
    assert abs(measured.mean() - expected) < 4 * error


@pytest.mark.parametrize("charge", [-1, 1])
def test_a_muon_that_curls_does_not_come_back(detector: GenericDetector, charge: int):
    """R = 200 mm: on its way out it has turned by less than half a turn, sin = r / 2R, and on its way back by more."""
    particles = muons(100, 0.12, 0.3, charge)
    hits = followed(detector, particles)
    x, y, _ = hits.place.T
    px, py, _ = particles.momentum[hits.particle].T
    half_turned = charge * (np.arctan2(py, px) - np.arctan2(y, x)) % np.pi
    assert np.bincount(detector.modules.layer[hits.module])[:N_BARREL].min() >= 80
    assert half_turned.max() < 0.5 * np.pi
    np.testing.assert_allclose(half_turned, np.arcsin(np.hypot(x, y) / 400.3), atol=0.25)


def test_hits_are_on_their_modules_which_are_found_again(detector: GenericDetector):
    hits = followed(detector, muons(200, 1.0, 2.0, 1))
    modules = detector.modules
    local = modules.local(hits.module, hits.place)
    assert abs(local[:, 2]).max() < 1e-3
    assert modules.inside(hits.module, local, 1e-3).all()
    np.testing.assert_allclose(modules.place(hits.module, local), hits.place)
    found = modules.find(modules.layer[hits.module], hits.place, 0.05)
    assert (found == hits.module).mean() > 0.999
    assert (modules.find(modules.layer[hits.module], hits.place + 5 * modules.axes[hits.module, 2], 0.05) == -1).all()
    assert set(hits.particle) == set(range(200))
    np.testing.assert_allclose(hits.momentum[:200], muons(200, 1.0, 2.0, 1).momentum, rtol=1e-6)


def test_particles_follow_from_the_seed(detector: GenericDetector):
    one, two, other = (followed(detector, muons(20, 0.5, 1.0, 1), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.place, two.place)
    assert not np.array_equal(one.place[:20], other.place[:20])
