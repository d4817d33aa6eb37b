"""Events with two or four tops: one lepton, what is missing, and the decays that are in them."""

import numpy as np
import pytest

from hepexp.data.datasets.four_tops.info import CLASSES, INFO, KINDS
from hepexp.data.datasets.four_tops.module import EventObjects
from hepexp.data.loading.split_store import open_sample
from hepexp.data.physics.kinematics import sums, wrapped
from hepexp.data.store.ragged import Ragged

JET, ELECTRON, MUON, MISSING = range(len(KINDS))


@pytest.fixture(scope="module")
def events() -> Ragged:
    store = open_sample(INFO)
    return store.take(np.arange(len(store)))


def number(chosen: np.ndarray, events: Ragged) -> np.ndarray:
    return sums(chosen.astype(np.int64), events)


def test_events_have_one_lepton_five_jets_two_tags_and_missing_momentum(events: Ragged):
    kind, is_jet = events["kind"], events["kind"] == JET
    is_lepton = (kind == ELECTRON) | (kind == MUON)
    assert (number(is_lepton, events) == 1).all()
    assert (number(kind == MISSING, events) == 1).all()
    assert (number(is_jet, events) >= 5).all()
    assert (number(events["btag"], events) >= 2).all()
    assert (events["pt"][kind != MISSING] > 24.9).all()
    assert (abs(events["charge"]) == is_lepton).all()
    assert not events["btag"][~is_jet].any()
    p4 = EventObjects()(events)["p4"]
    assert not p4[kind == MISSING, 3].any()


def test_the_lepton_and_what_is_missing_are_those_of_a_w(events: Ragged):
    """The transverse mass ends at that of the W, but for resolution; with a random azimuth it would not."""
    background = events.label == CLASSES.index("ttbar")
    kind, pt, phi = events["kind"], events["pt"].astype(np.float64), events["phi"]
    lepton = (kind == ELECTRON) | (kind == MUON)
    missing = kind == MISSING
    mass = np.sqrt(2 * pt[lepton] * pt[missing] * (1 - np.cos(wrapped(phi[lepton] - phi[missing]))))[background]
    random = np.random.default_rng(0).uniform(-np.pi, np.pi, lepton.sum())
    no_w = np.sqrt(2 * pt[lepton] * pt[missing] * (1 - np.cos(random)))[background]
    assert (mass < 90).mean() > 0.75
    assert (mass < 90).mean() > (no_w < 90).mean() + 0.1


def test_four_tops_have_more_jets_and_bottoms_and_both_charges_alike(events: Ragged):
    jets, tags = number(events["kind"] == JET, events), number(events["btag"], events)
    for counts, least in ((jets, 1.5), (tags, 0.5)):
        two, four = (counts[events.label == label].mean() for label in range(2))
        assert four > two + least
    charge = sums(events["charge"].astype(np.float64), events)
    for label in range(2):
        own = charge[events.label == label]
        assert abs(own.mean()) < 5 / len(own) ** 0.5


def test_the_simulation_is_the_same_for_the_same_seed():
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.four_tops import generate

    one, two = (INFO.check(generate.make_block("four_tops", 3, 0, 6), "simulation", 0) for _ in range(2))
    for name in INFO.layout.elements:
        np.testing.assert_array_equal(one[name], two[name])
    assert (one.label == 1).all()


def test_a_lepton_is_isolated_if_little_else_is_around():
    from hepexp.data.datasets.four_tops.generate import isolated_leptons
    from hepexp.simulation.particles import CHARGED_HADRON, Particles
    from hepexp.simulation.particles import MUON as A_MUON

    def seen(*of: tuple[int, float, float, int]) -> Particles:
        event, pt, eta, kind = (np.array(column) for column in zip(*of, strict=True))
        nothing = np.zeros(len(pt))
        return Particles(event, pt, eta, nothing, nothing, kind, nothing, nothing, nothing, nothing)

    particles = seen(
        (0, 30.0, 0.0, A_MUON),  # 4 GeV around it, and 10 outside of the cone
        (0, 4.0, 0.2, CHARGED_HADRON),
        (0, 10.0, 0.4, CHARGED_HADRON),
        (1, 30.0, 0.0, A_MUON),  # 5 GeV
        (1, 5.0, 0.2, CHARGED_HADRON),
        (2, 24.0, 0.0, A_MUON),  # too soft
        (3, 40.0, 2.6, A_MUON),  # too far forward
        (4, 40.0, 0.0, CHARGED_HADRON),
    )
    assert isolated_leptons(particles).tolist() == [True, *[False] * 7]
