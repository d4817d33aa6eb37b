"""Simulated jets of the ten classes: in the window, with the mass of what decayed, and bottom quarks fly."""

import numpy as np
import pytest

from hepexp.data.datasets.jetclass.info import LAYOUT as JETCLASS_LAYOUT
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.cms_card import impact_parameter_resolution
from hepexp.simulation.particles import CHARGED_HADRON, NEUTRAL_HADRON, PHOTON

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

import pythia8mc

from hepexp.data.datasets.jetclass import generate as jetclass

N, SEED = 12, 3
KINDS = ("QCD", "Hbb", "Wqq")
IMPACT = ("d0val", "d0err", "dzval", "dzerr")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def blocks() -> dict[str, Ragged]:
    return {kind: jetclass.make_block(kind, SEED, 0, N) for kind in KINDS}


def test_jets_lie_in_the_window_and_are_the_sum_of_their_constituents(blocks: dict[str, Ragged], kind: str):
    jets = blocks[kind]
    assert len(jets) == N
    assert ((jets["jet_pt"] >= 500) & (jets["jet_pt"] <= 1000) & (abs(jets["jet_eta"]) < 2)).all()
    assert jets.counts.max() <= 128
    px, py, energy = (np.add.reduceat(jets[name], jets.offsets[:-1]) for name in ("px", "py", "energy"))
    np.testing.assert_allclose(np.hypot(px, py), jets["jet_pt"], rtol=0.01)
    np.testing.assert_allclose(energy, jets.extras["jet_energy"], rtol=0.01)


def test_charge_agrees_with_type_and_neutral_particles_have_no_track(blocks: dict[str, Ragged], kind: str):
    jets = blocks[kind]
    neutral = np.isin(jets["type"], (NEUTRAL_HADRON, PHOTON))
    np.testing.assert_array_equal(abs(jets["charge"]), ~neutral)
    for name in IMPACT:
        assert not jets[name][neutral].any()
        assert jets[name][~neutral].all()
    assert (jets["d0err"] >= 0).all()
    assert 0.4 < (jets["type"] == CHARGED_HADRON).mean() < 0.7


def test_towers_are_massless_and_tracks_have_the_particle_s_mass(blocks: dict[str, Ragged], kind: str):
    jets = blocks[kind]
    e, px, py, pz = (jets[name].astype(np.float64) for name in ("energy", "px", "py", "pz"))
    mass2 = e**2 - px**2 - py**2 - pz**2
    neutral = jets["charge"] == 0
    assert (abs(mass2[neutral]) < 3e-7 * e[neutral] ** 2).all()
    slow = ~neutral & (e < 20) & (jets["type"] == CHARGED_HADRON)
    assert np.median(np.sqrt(mass2[slow])) == pytest.approx(0.1396, abs=1e-3)  # most are pions


def test_jets_weigh_what_decayed(blocks: dict[str, Ragged]):
    mass = {kind: np.median(jets["jet_sdmass"]) for kind, jets in blocks.items()}
    assert 70 < mass["Wqq"] < 90
    assert 100 < mass["Hbb"] < 130
    assert mass["QCD"] < 70


def test_subjettiness_falls_and_counts_the_prongs(blocks: dict[str, Ragged], kind: str):
    taus = np.stack([blocks[kind][f"jet_tau{i}"] for i in (1, 2, 3, 4)])
    assert (np.diff(taus, axis=0) <= 0.01).all()
    ratio = {kind: np.median(jets["jet_tau2"] / jets["jet_tau1"]) for kind, jets in blocks.items()}
    assert ratio["Wqq"] < ratio["QCD"]


def test_tracks_of_bottom_quarks_miss_the_collision(blocks: dict[str, Ragged]):
    def displaced(jets: Ragged) -> float:
        of_hadrons = (jets["type"] == CHARGED_HADRON) & (np.hypot(jets["px"], jets["py"]) > 2)
        return (abs(jets["d0val"][of_hadrons]) > 5 * jets["d0err"][of_hadrons]).mean()

    assert displaced(blocks["Hbb"]) > 1.5 * displaced(blocks["QCD"])


def test_a_block_is_what_its_arguments_say(blocks: dict[str, Ragged]):
    whole, again = blocks["Wqq"].take(slice(5)), jetclass.make_block("Wqq", SEED, 0, 5)
    assert (whole.label == 7).all()
    for name in JETCLASS_LAYOUT.names[1:]:
        assert whole[name].dtype == {**JETCLASS_LAYOUT.elements, **JETCLASS_LAYOUT.extras}[name]
        np.testing.assert_array_equal(again[name], whole[name])
    reports = []
    other = jetclass.make_block("Wqq", SEED, 1, 2, reports.append)
    assert sum(reports) == 2
    assert other["px"][0] != whole["px"][0]


def test_pythia_knows_every_setting():
    assert jetclass.CLASSES == ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hlvqq", "Zqq", "Wqq", "Tbqq", "Tblv")
    for kind in jetclass.CLASSES:
        pythia = pythia8mc.Pythia("", False)
        assert all(pythia.readString(line) for line in jetclass.settings(kind))


def test_hard_central_tracks_are_measured_best():
    pt, eta = np.array([0.5, 5.0, 500.0, 5.0]), np.array([0.0, 0.0, 0.0, 2.0])
    for error in impact_parameter_resolution(pt, eta):
        assert error[0] > error[1] > error[2] > 0.009
        assert error[3] > error[1]
