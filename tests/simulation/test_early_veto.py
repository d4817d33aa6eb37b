"""A veto on hopeless events, early in their simulation, loses no jets."""

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from hepexp.data.datasets.jetclass import generate as jetclass
from hepexp.data.datasets.jetclass.processes import RECIPES, DecayVeto
from hepexp.data.datasets.qg.generate import QuarkGluonVeto, hardest_jets, settings
from hepexp.data.datasets.top import generate as top
from hepexp.data.physics.kinematics import invariant_mass, sums
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import PdgParticles
from hepexp.simulation.early_veto import EarlyVeto
from hepexp.simulation.pythia import make_pythia

Select = Callable[..., Ragged]
Counts = tuple[int, int, int]


def jet_mass(jets: Ragged) -> np.ndarray:
    return invariant_mass(sums(PdgParticles(True, "pid").momenta(jets), jets))


def simulate(kind: str, seed: int, n_events: int) -> tuple[Ragged, Ragged, int]:
    """Selected jets of events that the veto would keep and of those it would drop, and the number of the latter."""
    veto = QuarkGluonVeto(enabled=False)
    pythia = make_pythia(settings(kind), seed, veto)
    parts: dict[bool, list[Ragged]] = {False: [], True: []}
    dropped = 0
    for _ in range(n_events):
        event = pythia.nextBatch(1)
        dropped += veto.hopeless
        parts[veto.hopeless].append(hardest_jets(event, kind))
    return Ragged.concatenate(parts[False]), Ragged.concatenate(parts[True]), dropped


def test_the_veto_drops_events_and_keeps_jets():
    kept, lost, dropped = simulate("gluon", 3, 60)
    assert dropped > 8
    assert len(lost) <= 1
    assert len(kept) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gluon", "quark"])
def test_the_veto_loses_no_jet_in_five_hundred_and_moves_no_mean(kind: str):
    """6000 events without the veto, about 950 jets that pass: the lost ones are counted, not inferred."""
    kept, lost, dropped = simulate(kind, 17, 6000)
    n = len(kept) + len(lost)
    print(f"{kind}: {dropped} of 6000 events dropped; {len(lost)} of {n} jets lost")
    assert dropped > 1000
    assert len(lost) / n < 0.002
    for name, value in (("multiplicity", lambda jets: jets.counts), ("mass", jet_mass)):
        everything = np.concatenate([value(kept), value(lost)])
        shift, error = value(kept).mean() - everything.mean(), everything.std() / n**0.5
        print(f"{kind}: mean {name} {everything.mean():.2f} ± {error:.2f}, moved by {shift:.3f}")
        assert abs(shift) < 0.1 * error


def counted(settings: list[str], veto: EarlyVeto, select: Select, kind: str, seed: int, n_events: int) -> Counts:
    """Jets from events that a veto would keep and would drop, and the number of the latter events."""
    random, pythia = np.random.default_rng(seed), make_pythia(settings, seed, veto)
    jets, dropped = {False: 0, True: 0}, 0
    for _ in range(n_events):
        event = pythia.nextBatch(1)
        dropped += veto.hopeless
        jets[veto.hopeless] += len(select(event, kind, random))
    return jets[False], jets[True], dropped


def simulate_top(kind: str, seed: int, n_events: int) -> Counts:
    return counted(top.settings(kind), EarlyVeto(top.WINDOW, enabled=False), top.select, kind, seed, n_events)


def test_the_veto_of_top_drops_events_and_keeps_jets():
    kept, lost, dropped = simulate_top("qcd", 4, 40)
    assert dropped > 8
    assert lost == 0
    assert kept > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", top.CLASSES)
def test_the_veto_of_top_loses_no_jet_in_a_hundred(kind: str):
    kept, lost, dropped = simulate_top(kind, 19, 2000)
    print(f"{kind}: {dropped} of 2000 events dropped; {lost} of {kept + lost} jets lost")
    assert dropped > 600
    assert lost / (kept + lost) < 0.01


def simulate_jetclass(kind: str, seed: int, n_events: int) -> Counts:
    veto = DecayVeto(RECIPES[kind], enabled=False)
    return counted(jetclass.settings(kind), veto, jetclass.select, kind, seed, n_events)


@pytest.mark.parametrize(("kind", "least"), [("Hbb", 15), ("Tblv", 30)])
def test_the_veto_of_jetclass_drops_events_and_keeps_jets(kind: str, least: int):
    kept, lost, dropped = simulate_jetclass(kind, 5, 60)
    assert dropped > least
    assert lost == 0
    assert kept > 0 or kind == "Tblv"  # where one event in twenty passes


@pytest.mark.slow
@pytest.mark.parametrize("kind", jetclass.CLASSES)
def test_the_veto_of_jetclass_loses_no_jet_in_a_hundred(kind: str):
    kept, lost, dropped = simulate_jetclass(kind, 11, 3000)
    print(f"{kind}: {dropped} of 3000 events dropped; {lost} of {kept + lost} jets lost")
    assert dropped > 1000
    assert lost <= 1 + 0.01 * kept
