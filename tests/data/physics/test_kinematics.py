"""Four-momenta obey special relativity in float64."""

import numpy as np

from hepexp.data.physics import species
from hepexp.data.physics.kinematics import four_momenta, invariant_mass, polar, sums
from tests.data.conftest import random_jets


def test_particles_are_on_their_mass_shell():
    jets = random_jets(200)
    mass = species.mass(jets["pdgid"])
    e, px, py, pz = four_momenta(jets["pt"], jets["y"], jets["phi"], mass).T
    np.testing.assert_allclose(e**2 - px**2 - py**2 - pz**2, mass**2, atol=1e-12 * (e**2).max())


def test_momenta_give_back_transverse_momentum_rapidity_and_azimuth():
    jets = random_jets(200)
    e, px, py, pz = four_momenta(jets["pt"], jets["y"], jets["phi"], species.mass(jets["pdgid"])).T
    np.testing.assert_allclose(np.hypot(px, py), jets["pt"].astype(float), rtol=1e-14)
    np.testing.assert_allclose(0.5 * np.log((e + pz) / (e - pz)), jets["y"].astype(float), atol=1e-10)
    np.testing.assert_allclose(np.exp(1j * np.arctan2(py, px)), np.exp(1j * jets["phi"].astype(float)), atol=1e-13)


def test_polar_coordinates_give_back_the_momenta():
    jets = random_jets(200)
    p4 = four_momenta(jets["pt"], jets["y"], jets["phi"], species.mass(jets["pdgid"]))
    pt, y, phi = polar(p4)
    np.testing.assert_allclose(four_momenta(pt, y, phi, species.mass(jets["pdgid"])), p4, rtol=1e-9, atol=1e-9)


def test_two_back_to_back_photons_have_twice_their_energy_as_mass():
    p4 = four_momenta([50.0, 50.0], [0.0, 0.0], [0.3, 0.3 + np.pi], 0.0)
    assert np.isclose(invariant_mass(p4.sum(0)), 100.0, rtol=1e-12)


def test_a_jet_is_the_sum_of_its_particles():
    jets = random_jets(50)
    each = four_momenta(jets["pt"], jets["y"], jets["phi"], species.mass(jets["pdgid"]))
    expected = [each[a:b].sum(0) for a, b in zip(jets.offsets[:-1], jets.offsets[1:], strict=True)]
    np.testing.assert_allclose(sums(each, jets), expected, rtol=1e-12, atol=1e-10)


def test_an_antiparticle_has_the_same_mass_and_the_opposite_charge():
    ids = np.array(list(species.TABLE))
    np.testing.assert_array_equal(species.mass(ids), species.mass(-ids))
    np.testing.assert_array_equal(species.charge(ids), -species.charge(-ids))


def test_known_charges():
    ids = np.array([11, -11, 13, 22, 211, -321, 2212, -2212, 2112, 3112, 999999])
    np.testing.assert_array_equal(species.charge(ids), [-1, 1, -1, 0, 1, -1, 1, -1, 0, -1, 0])


def test_masses_agree_with_the_generator():
    """Pythia's own table, to the precision at which particle masses are known."""
    pythia8mc = __import__("pytest").importorskip("pythia8mc")
    data = pythia8mc.Pythia("", False).particleData
    for key, (mass, charge) in species.TABLE.items():
        assert abs(mass - data.m0(key)) < 1e-4, key
        assert charge == data.charge(key), key
