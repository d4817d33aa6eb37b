"""Quark and gluon images: the helix, how showers share energy, the window, and jets that only the seed decides."""

from typing import Any

import numpy as np
import pytest

from hepexp.data.datasets.qg_images.cms_detector import (
    ECAL_LENGTH,
    ECAL_RADIUS,
    FIELD,
    Observed,
    Particles,
    convert,
    observe,
    to_calorimeter,
)
from hepexp.data.datasets.qg_images.info import LAYOUT as QG_IMAGES_LAYOUT
from hepexp.data.datasets.qg_images.jet_images import CELL, CELLS, TOWER, deposit, make_images, shower_fractions
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged

LOWEST_PT = 0.15 * FIELD * ECAL_RADIUS  # GeV that reach the barrel


def particles(pt: np.ndarray, eta: np.ndarray, pdgid: int, z: float = 0.0) -> Particles:
    n = len(pt)
    energy = pt * np.cosh(eta)
    return Particles(np.zeros(n, int), pt, eta, np.zeros(n), energy, np.full(n, pdgid), np.full(n, z), np.zeros(n))


def observed(eta: np.ndarray, phi: np.ndarray, track_pt: float, ecal: float, hcal: float) -> Observed:
    n = len(eta)
    energies = (np.full(n, value) for value in (track_pt, ecal, hcal))
    track, electromagnetic, hadronic = energies
    return Observed(np.zeros(n, int), track, eta, phi, track, eta, phi, electromagnetic, hadronic)


def test_a_charged_particle_arrives_where_a_stepped_orbit_does():
    pt, eta, z = np.array([0.8, 2.0, 30.0]), np.array([0.3, -0.5, 1.0]), 0.03
    face_eta, face_phi, reached = to_calorimeter(particles(pt, eta, 211, z))
    assert reached.all()
    np.testing.assert_allclose(np.sin(-face_phi), LOWEST_PT / pt)
    # The direction turns by 0.3 B / pT a metre of transverse path, to the right for positive charge.
    step = 1e-5
    for i in range(len(pt)):
        turn = -0.3 * FIELD / pt[i] * step * (np.arange(400_000) + 0.5)
        x, y = np.cumsum(np.cos(turn)) * step, np.cumsum(np.sin(turn)) * step
        end = np.argmax(np.hypot(x, y) >= ECAL_RADIUS)
        assert np.arctan2(y[end], x[end]) == pytest.approx(face_phi[i], abs=1e-3)
        assert np.arcsinh((z + (end + 1) * step * np.sinh(eta[i])) / ECAL_RADIUS) == pytest.approx(
            face_eta[i], abs=1e-4
        )


def test_negative_charge_bends_the_other_way_and_no_charge_not_at_all():
    pt, eta = np.array([1.0, 5.0]), np.array([0.2, -1.0])
    plus, minus, neutral = (to_calorimeter(particles(pt, eta, pdgid))[1] for pdgid in (211, -211, 22))
    np.testing.assert_allclose(plus, -minus)
    assert (plus < 0).all()
    assert (neutral == 0).all()


def test_soft_charged_particles_do_not_reach_the_barrel_but_forward_ones_reach_the_endcap():
    pt = LOWEST_PT * np.array([0.99, 1.01, 0.99])
    eta, _, reached = to_calorimeter(particles(pt, np.array([0.0, 0.0, 2.5]), 211))
    assert reached.tolist() == [False, True, True]
    assert eta[2] > np.arcsinh(ECAL_LENGTH / ECAL_RADIUS)


def test_a_shower_has_nine_tenths_of_its_energy_within_three_radii():
    inside = shower_fractions(np.array([0.5]), np.array([0.5]), 20.0, 400)[0]
    distance = np.hypot(*np.meshgrid(*[np.arange(-400, 401)] * 2))
    assert inside[distance <= 60].sum() == pytest.approx(0.9, abs=0.005)


def test_deposits_conserve_energy():
    rng = np.random.default_rng(1)
    x, y, energy = 3 + 8 * rng.random((2, 500)), 3 + 8 * rng.random(500), rng.exponential(size=500)
    total = deposit(np.arange(500) % 7, x[0], y, energy, 0.3, 2, (7, 14, 14)).sum(axis=(1, 2))
    np.testing.assert_allclose(total, np.bincount(np.arange(500) % 7, energy))


def test_calorimeters_see_all_energy_of_a_photon_and_less_of_a_pion():
    pt, eta = np.full(20_000, 20.0), np.zeros(20_000)
    photon, pion = (observe(particles(pt, eta, pdgid), np.random.default_rng(2)) for pdgid in (22, 211))
    assert photon.ecal.sum() / photon.pt.sum() == pytest.approx(1, rel=2e-3)  # but for the softest of conversions
    assert not photon.hcal.any()
    assert 0.6 < (pion.ecal + pion.hcal).mean() / 20 < 0.95
    assert 0.90 < (pion.track_pt > 0).mean() < 0.97
    assert not photon.track_pt.any()


def test_conversions_conserve_energy_and_spread_it_in_azimuth():
    rng = np.random.default_rng(4)
    photons = particles(np.full(5000, 3.0), np.zeros(5000), 22)
    pairs = convert(photons, rng)
    assert len(pairs.pt) - 5000 == pytest.approx(5000 * -np.expm1(-7 / 9 * 0.4), rel=0.1)
    assert pairs.energy.sum() == pytest.approx(photons.energy.sum())
    _, phi, reached = to_calorimeter(pairs)
    assert abs(phi[reached & (pairs.pdgid == 11)]).mean() > CELL
    assert (phi[pairs.pdgid == 22] == 0).all()


@pytest.mark.parametrize("phi", [0.0, np.pi - 1e-3, -np.pi + 1e-3])
def test_the_window_is_centred_on_the_highest_tower_and_wraps_in_azimuth(phi: float):
    tower = TOWER * CELL
    eta = (np.floor(0.7 / tower) + 0.5) * tower
    seed_phi = (np.floor(phi / tower) + 0.5) * tower + 2 * tower  # two towers beside the jet's axis
    others = observed(np.array([eta + 3 * CELL, eta]), np.array([seed_phi, seed_phi - 20 * CELL]), 5.0, 50.0, 0.0)
    seen = Observed.concatenate([observed(np.array([eta]), np.array([seed_phi]), 0.0, 0.0, 1e4), others])
    tracks, ecal, hcal = make_images(seen, np.array([0.7]), np.array([phi]), np.random.default_rng(3))[0]
    middle = CELLS // 2
    assert sorted(zip(*np.nonzero(tracks), strict=True)) == [(middle, middle - 20), (middle + 3, middle)]
    assert (hcal[middle - 2 : middle + 3, middle - 2 : middle + 3] == hcal.max()).all()
    assert {np.unravel_index(i, ecal.shape) for i in np.argsort(ecal, axis=None)[-2:]} == set(
        zip(*np.nonzero(tracks), strict=True)
    )


@pytest.fixture(scope="module")
def jets() -> dict[str, Ragged]:
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.qg_images.generate import make_block

    return {kind: make_block(kind, 5, 0, 40) for kind in ("gluon", "quark")}


def test_jets_lie_in_the_window_and_towers_are_constant(jets: dict[str, Ragged]):
    for label, kind in enumerate(("gluon", "quark")):
        images = jets[kind]
        assert images.label.tolist() == [label] * 40
        assert ((images["pt"] >= 90) & (images["pt"] <= 170) & (images["m0"] > 0)).all()
        hcal = to_dense(images, QG_IMAGES_LAYOUT.shape)[:, 2]
        towers = hcal.reshape(-1, 25, 5, 25, 5)
        assert (towers == towers[:, :, :1, :, :1]).all()
        inner = towers[:, 9:16, 0, 9:16, 0].reshape(-1, 49)
        assert (inner.max(axis=1) > 0).all()


def test_means_and_sparsity_are_those_of_the_original(jets: dict[str, Ragged]):
    dense = np.concatenate([to_dense(images, QG_IMAGES_LAYOUT.shape) for images in jets.values()])
    np.testing.assert_allclose(dense.mean(axis=(0, 2, 3)), [7.8e-5, 5.0e-5, 3.1e-5], rtol=0.2)


def test_the_first_jets_of_a_block_do_not_depend_on_how_many_are_made(
    jets: dict[str, Ragged], monkeypatch: pytest.MonkeyPatch
):
    from hepexp.data.datasets.qg_images import generate as qg_images

    made, eta = [], []

    def make_and_note(seen: Observed, axes: np.ndarray, *rest: Any) -> np.ndarray:
        eta.extend(axes)
        return make_images(seen, axes, *rest)

    monkeypatch.setattr(qg_images, "make_images", make_and_note)
    again, first = qg_images.make_block("quark", 5, 0, 7, made.append), jets["quark"].take(slice(7))
    assert sum(made) == 7
    assert (np.abs(eta) < 1.57).all()
    np.testing.assert_array_equal(again.label, first.label)
    np.testing.assert_array_equal(again.offsets, first.offsets)
    for name in QG_IMAGES_LAYOUT.names[1:]:
        np.testing.assert_array_equal(again[name], first[name])


def test_blocks_differ():
    pytest.importorskip("pythia8mc")
    from hepexp.data.datasets.qg_images.generate import make_block

    assert make_block("quark", 5, 0, 1)["pt"] != make_block("quark", 5, 1, 1)["pt"]
