"""The simulated jets of JetNet: in their window, relative to their axis, with the mass of what they come from."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from hepexp.data.datasets.jetnet.generate import make_block
from hepexp.data.datasets.jetnet.info import INFO, RADIUS
from hepexp.data.datasets.jetnet.relative import relative_mass
from hepexp.simulation.tev_jets import JET_PT


@pytest.fixture(scope="module")
def jets():
    return make_block("w", 3, 0, 40)


def test_jets_lie_in_the_window_and_have_up_to_150_particles(jets):
    INFO.check(jets, "simulated", 0)
    assert len(jets) == 40
    assert (jets.label == 3).all()
    assert ((jets["jet_pt"] >= JET_PT[0] - 1) & (jets["jet_pt"] <= JET_PT[1] + 1)).all()
    assert jets.counts.max() <= 150


def test_the_particles_make_up_the_jet(jets):
    total = np.add.reduceat(jets["pt_rel"], jets.offsets[:-1])
    assert ((total > 0.97) & (total < 1.3)).all()  # a sum of magnitudes, so at least that of the vectors
    share = relative_mass(jets) * jets["jet_pt"] / jets["jet_mass"]
    assert ((share > 0.85) & (share < 1.01)).all()  # of massless particles


def test_most_w_have_the_mass_of_the_w_and_of_what_else_falls_into_the_jet(jets):
    assert ((jets["jet_mass"] > 75) & (jets["jet_mass"] < 115)).mean() > 0.6
    # quarks are m / (pT sqrt(z (1 - z))) apart: one in twelve decays is wider than the jet, and others lose a part
    assert (jets["jet_mass"] < 70).mean() < 0.25


def test_the_same_block_is_the_same_jets(jets):
    again = make_block("w", 3, 0, 3)
    assert (again["pt_rel"] == jets.take(np.arange(3))["pt_rel"]).all()


def test_jets_are_as_wide_as_those_of_jetnet(jets):
    """The largest |phi_rel| of JetNet's 880,000 jets is 0.52, and many jets reach the radius."""
    assert 0.3 < abs(jets["phi_rel"]).max() < 0.521
    far = np.hypot(jets["eta_rel"], jets["phi_rel"]) > 1.1 * RADIUS
    assert jets["pt_rel"][far].sum() < 0.01 * len(jets)
