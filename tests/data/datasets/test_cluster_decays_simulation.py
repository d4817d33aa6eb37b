"""Strings of Pythia that become two pions: reproducible, on their mass shell, along the string."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from hepexp.data.datasets.cluster_decays import two_body
from hepexp.data.datasets.cluster_decays.generate import GRID, MASS, make_block
from hepexp.data.datasets.cluster_decays.info import INFO
from hepexp.data.loading.split_store import open_sample
from hepexp.data.physics.kinematics import invariant_mass


@pytest.fixture(scope="module")
def decays():
    return make_block("cluster", 5, 0, 400)


def test_two_pions_have_the_mass_and_the_momentum_of_the_string(decays):
    INFO.check(decays, "simulated", 0)
    assert set(abs(decays["pdgid"]).tolist()) == {111, 211}
    cluster, made = two_body.of_cluster(decays), two_body.of_hadrons(decays)
    np.testing.assert_allclose(made.sum(1), cluster, rtol=1e-12, atol=1e-14)
    m = invariant_mass(cluster)
    assert MASS[0] - 1e-4 < m.min() < m.max() < MASS[1] + 1e-4
    shell = made[..., 0] ** 2 - (made[..., 1:] ** 2).sum(-1)
    pion = np.where(abs(decays["pdgid"]) == 211, 0.13957039, 0.1349768).reshape(-1, 2)
    np.testing.assert_allclose(shell, pion**2, atol=60 * GRID)


def test_charges_are_those_of_a_quark_and_an_antiquark(decays):
    """u and d quarks: from -1 to 1, with the first pion's charge that of the quark's end."""
    charges = np.sign(decays["pdgid"]) * (abs(decays["pdgid"]) == 211)
    assert set(charges.reshape(-1, 2).sum(1).tolist()) == {-1, 0, 1}


def test_the_first_pion_follows_the_quark(decays):
    cosine = (two_body.direction(decays) * two_body.string(decays)).sum(1)
    assert cosine.mean() > 0.3
    heavy = invariant_mass(two_body.of_cluster(decays)) > 1.6
    assert cosine[heavy].mean() > 0.8


def test_a_block_is_determined_by_its_seed_and_begins_with_a_shorter_one(decays):
    again, other = make_block("cluster", 5, 0, 30), make_block("cluster", 6, 0, 30)
    assert (again["px"] == decays.take(np.arange(30))["px"]).all()
    assert (again["px"] != other["px"]).any()


def test_the_sample_of_the_package_is_what_its_command_makes():
    store = open_sample(INFO)
    again = make_block("cluster", 1, 0, 20)
    examples = store.take(np.arange(20))
    for name in INFO.layout.elements:
        assert (examples[name] == again[name]).all()
    for name in INFO.layout.extras:
        np.testing.assert_allclose(examples[name], again[name], rtol=1e-12)
