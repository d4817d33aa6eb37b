"""Dijet observables against closed forms, and the simulated resonances where they should be."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from hepexp.data.datasets.lhco.generate import dijets, make_block
from hepexp.data.physics.jet_clustering import jagged


def prongs(pt: list[float], eta: list[float], phi: list[float]) -> np.ndarray:
    """Massless momenta (m, 4), (E, px, py, pz) in GeV."""
    pt, eta, phi = (np.array(x, np.float64) for x in (pt, eta, phi))
    return np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], 1)


def of(*events: np.ndarray) -> dict[str, np.ndarray]:
    return dijets(jagged(np.concatenate(events), np.array([len(event) for event in events])))


def mass(pt_1: float, pt_2: float, distance: float) -> float:
    """Of two massless particles at the same azimuth."""
    return np.sqrt(2 * pt_1 * pt_2 * (np.cosh(distance) - 1))


EVENT = prongs([800, 700, 900, 500], [0.0, 0.5, 0.3, -0.2], [0.0, 0.0, np.pi, np.pi])


def test_masses_of_two_pronged_jets_follow_from_their_prongs():
    found = of(EVENT)
    light, heavy = sorted([mass(800, 700, 0.5), mass(900, 500, 0.5)])
    total = EVENT.sum(0)
    assert found["m_min"] == pytest.approx([light], rel=1e-10)
    assert found["dm"] == pytest.approx([heavy - light], rel=1e-8)
    assert found["mjj"] == pytest.approx([np.sqrt(total[0] ** 2 - (total[1:] ** 2).sum())], rel=1e-10)
    assert found["tau21_1"] == found["tau21_2"] == pytest.approx([0], abs=1e-8)  # two prongs lie on their two axes


def test_nothing_depends_on_the_order_of_particles_or_on_the_azimuth():
    random = np.random.default_rng(1)
    pt, phi = random.exponential(60, 60) + 40, np.repeat([0, np.pi], 30) + random.normal(0, 0.2, 60)
    event = prongs(pt, random.normal(0, 0.2, 60), phi)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]
    found = of(event, event[random.permutation(60)], event @ turn.T)
    for name, values in found.items():
        assert len(values) == 3
        assert values == pytest.approx(values[0], rel=1e-6), name
    assert 0 < found["tau21_1"][0] <= 1


def test_events_below_the_trigger_or_with_one_jet_are_dropped():
    soft, single = prongs([1100, 1100], [0, 0], [0, np.pi]), prongs([2000], [0], [0])
    forward = prongs([1500, 1500], [0, 2.6], [0, np.pi])
    assert len(of(soft, single, forward, EVENT)["mjj"]) == 1


def test_the_signal_has_jets_of_two_resonances_in_events_of_a_third():
    events = make_block("signal", 3, 0, 25)
    assert (events.label == 1).all()
    assert np.median(events["mjj"]) == pytest.approx(3500, abs=100)
    heavier = events["m_min"] + events["dm"]
    assert np.median(heavier) == pytest.approx(500, abs=50)  # X
    assert np.median(events["m_min"]) == pytest.approx(115, abs=25)  # Y, with what else falls into a jet of R = 1
